// Hold Socket.IO sessions with k6, whose users write the protocol by hand: one virtual user is one seller.
import ws from 'k6/ws';
import { Counter, Trend } from 'k6/metrics';

const sessions = Number(__ENV.SESSIONS);
const asking = __ENV.ASKING === 'yes'; // otherwise the sessions are idle
const forMs = Number(__ENV.FOR_S) * 1000;
const filler = 'x'.repeat(Number(__ENV.PAYLOAD_BYTES) - 10);

export const options = {
  summaryTrendStats: ['med', 'count'],
  scenarios: {
    sellers: { executor: 'per-vu-iterations', vus: sessions, iterations: 1, maxDuration: `${forMs + 60000}ms` },
  },
};

const roundTrip = new Trend('round_trip', true);
const wrong = new Counter('wrong');

export default function () {
  const wallet = '0x' + String(__VU).padStart(40, '0');
  ws.connect(__ENV.URL, null, (socket) => {
    const asked = {};
    let number = 0;
    const ask = () => {
      number += 1;
      const payload = String(number).padStart(10, '0') + filler;
      asked[number] = { payload, at: Date.now() };
      socket.send(`42${number}["echo","${payload}"]`);
    };
    const acknowledged = (packet) => {
      const cut = packet.indexOf('[');
      const id = packet.substring(2, cut);
      const question = asked[id];
      if (question === undefined || JSON.parse(packet.substring(cut))[0] !== question.payload) {
        wrong.add(1);
        return;
      }
      delete asked[id];
      roundTrip.add(Date.now() - question.at);
      ask();
    };
    const happened = (event) => {
      if (event === 'authenticated') {
        socket.send(`42["subscribe",{"type":"user","target":"${wallet}"}]`);
      } else if (event === 'subscribed' && asking) {
        ask();
      }
    };
    socket.on('message', (packet) => {
      if (packet.startsWith('43')) {
        acknowledged(packet);
      } else if (packet === '2') {
        socket.send('3');
      } else if (packet.startsWith('42')) {
        happened(JSON.parse(packet.substring(2))[0]);
      } else if (packet.startsWith('40')) {
        socket.send(`42["authenticate",{"walletAddress":"${wallet}","reconnecting":false}]`);
      } else if (packet.startsWith('0')) {
        socket.send('40');
      } else {
        wrong.add(1);
      }
    });
    socket.on('error', () => wrong.add(1));
    socket.setTimeout(() => socket.close(), forMs);
  });
}

export function handleSummary(data) {
  const values = (name) => (data.metrics[name] === undefined ? {} : data.metrics[name].values);
  const times = values('round_trip');
  const summary = { answered: times.count || 0, p50_ms: times.med || null, wrong: values('wrong').count || 0 };
  return { stdout: JSON.stringify(summary) + '\n' };
}
