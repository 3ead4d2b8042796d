// The bundle of the documentation's pages.
import "../docs/copying.js";
import "../docs/places.js";
import "../docs/reading_position.js";
import "../docs/search.js";
import "../run/examples.js";
