// What a run that was not answered to its end says to a person: {text, link: {text, href, isNewTab} or null}.

const CONNECTION = {
  offline: "You are offline. Run it again once you are connected.",
  unreachable: "The server did not answer. Check your connection, then run it again.",
};
// What a person can do about an error, by its code.
const LINKS = {
  signed_out: { text: "Sign in", href: "/accounts/login/", isNewTab: true },
  out_of_credits: { text: "Add credits", href: "/developers/billing" },
};

export function noticeOf({ kind, body, requestId }) {
  if (kind === "aborted") return { text: "Stopped. What had arrived until then is charged.", link: null };
  if (kind === "cut") return { text: "The connection broke before the end. Usage shows what was charged.", link: null };
  if (kind === "network") return { text: navigator.onLine ? CONNECTION.unreachable : CONNECTION.offline, link: null };
  return errorNotice(body, requestId);
}

// `body` is the API's error, from a refusal or from the last event of a stream.
export function errorNotice(body, requestId) {
  const error = body?.error;
  if (!error) return { text: "The server answered with an error that cannot be read. Run it again.", link: null };
  const code = error.details?.error_code;
  if (code === "signed_out") return { text: "You are signed out. Sign in in a new tab, then run it again here.", link: LINKS[code] };
  const id = body.request_id ?? requestId;
  return { text: id ? `${error.message} (${id})` : error.message, link: LINKS[code] ?? null };
}
