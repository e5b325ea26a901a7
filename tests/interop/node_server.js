// The real Socket.IO server for the interop tests, on a free port it writes to a file; answers as python_server.py does.
//
// node node_server.js READY_FILE [--certificate FILE --key FILE] [--polling-only] [--msgpack] [--ping SECONDS]

"use strict";

const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const { parseArgs } = require("node:util");
const { Server } = require("socket.io");

const BIG = "x".repeat(100_000);

const { values: options, positionals: [ready] } = parseArgs({
  allowPositionals: true,
  options: {
    certificate: { type: "string" },
    key: { type: "string" },
    "polling-only": { type: "boolean", default: false },
    msgpack: { type: "boolean", default: false },
    ping: { type: "string", default: "25" },
  },
});

const listening = options.certificate
  ? https.createServer({ cert: fs.readFileSync(options.certificate), key: fs.readFileSync(options.key) })
  : http.createServer();
const io = new Server(listening, {
  pingInterval: Number(options.ping) * 1000,
  pingTimeout: Number(options.ping) * 1000,
  ...(options["polling-only"] ? { transports: ["polling"] } : {}),
  ...(options.msgpack ? { parser: require("socket.io-msgpack-parser") } : {}),
});

const echo = (...args) => args.pop()(...args); // the last is what answers

io.use((socket, next) => next(socket.handshake.auth.refuse ? new Error("not today") : undefined));
io.on("connection", (socket) => {
  socket.on("echo", echo);
  socket.on("say", (name, ...args) => socket.emit(name, ...args));
  socket.on("big", () => socket.emit("big", { text: BIG }));
  socket.on("ask", async () => {
    const answer = await socket.timeout(3000).emitWithAck("question", { n: 1 });
    socket.emit("answered", { answer: answer ?? null });
  });
  socket.on("bytes", () => socket.emit("bytes", Buffer.from([0, 1])));
  socket.on("end", () => socket.disconnect());
  socket.on("hang up", () => socket.conn.close());
});
io.of("/other").on("connection", (socket) => socket.on("echo", echo));
io.of("/closed").use((_socket, next) => next(new Error("members only")));

listening.listen(0, "127.0.0.1", () => {
  fs.writeFileSync(`${ready}.tmp`, String(listening.address().port));
  fs.renameSync(`${ready}.tmp`, ready);
});
