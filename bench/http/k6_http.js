// The same request and the same look at its JSON, by k6; it runs until SIGINT or its time is over.

import http from "k6/http";
import { fail } from "k6";

const TOKEN = "t".repeat(180);

export const options = {
  scenarios: { read: { executor: "constant-vus", vus: Number(__ENV.USERS), duration: `${__ENV.FOR_S}s` } },
  discardResponseBodies: false,
  systemTags: ["method", "status", "name"],
};

const params = { headers: { Authorization: `Bearer ${TOKEN}` } };

export default function () {
  const answer = http.get(`${__ENV.URL}/api/sellers/tier/criteria`, params);
  if (answer.status !== 200 || answer.json().success !== true) {
    fail("not the right answer");
  }
}
