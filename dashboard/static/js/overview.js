// The overview: charts over a list that keeps itself fresh.
import { begin, draw } from "./charts.js";
import { afterRefresh } from "./payouts.js";

begin();
afterRefresh(draw);
