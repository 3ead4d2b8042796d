// The bundle of every page: htmx and the small modules that several pages need.
import "htmx.org";
import "./theme.js";
import "./menus.js";
import "./copy.js";
import "./samples.js";
import "./times.js";
import "./forms.js";
import "./dialog.js";
import "./polling.js";
import "./outage.js";
import "./failures.js";
import "./passwords.js";
import "./drafts.js";
import "./shown_once.js";
import "./amounts.js";
