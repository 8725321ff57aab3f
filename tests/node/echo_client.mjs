// Talks to an echo server with Node's ws, and prints what comes back.
import WebSocket from "ws";

const socket = new WebSocket(process.argv[2], { origin: process.argv[2].replace(/^ws/, "http").replace(/\/$/, "") });

socket.on("open", () => socket.send("grüße"));
socket.on("message", (data, isBinary) => {
  console.log(isBinary ? `binary ${data.toString("hex")}` : `text ${data.toString()}`);
  if (isBinary) socket.ping("ping");
  else socket.send(Buffer.from([0, 255]));
});
socket.on("pong", (data) => {
  console.log(`pong ${data.toString("hex")}`);
  socket.close(1000);
});
socket.on("close", (code) => console.log(`closed ${code}`));
socket.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
