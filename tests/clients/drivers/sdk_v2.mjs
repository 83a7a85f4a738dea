// The official TypeScript SDK, version 2, makes the story's calls, in the era that it is told.
import { readFileSync } from "node:fs";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const play = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const transport = play.url
  ? new StreamableHTTPClientTransport(new URL(play.url))
  : new StdioClientTransport({ command: play.command, args: play.args });
const client = new Client({ name: "story", version: "1.0.0" }, { versionNegotiation: { mode: play.era } });
await client.connect(transport);
for (const call of play.calls) {
  const result = await client.callTool({ name: call.tool, arguments: call.arguments });
  if (result.isError || !JSON.stringify(result.structuredContent).includes(call.shows)) throw new Error(JSON.stringify(result));
}
await client.close();
console.log("done");
