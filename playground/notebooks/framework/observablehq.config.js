export default {
  root: "src",
  title: "Descent",
  // Nothing from elsewhere: the page is the same without a network.
  globalStylesheets: [],
  search: false,
  sidebar: false,
  pager: false,
  toc: false,
};
