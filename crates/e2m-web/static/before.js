// OpenSeadragon adds a style to the page unless one is there, and the policy of the page forbids styles in it. What it would say stands in
// look.css. An element of this name in no namespace of HTML is found by it and does nothing.
const stands = document.createElementNS("urn:e2m", "style");
stands.setAttribute("data-openseadragon-mobile-css", "true");
document.head.append(stands);
