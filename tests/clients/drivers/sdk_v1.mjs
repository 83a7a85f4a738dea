// The official TypeScript SDK, version 1, makes the story's calls.
import { readFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const play = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const transport = play.url
  ? new StreamableHTTPClientTransport(new URL(play.url))
  : new StdioClientTransport({ command: play.command, args: play.args });
const client = new Client({ name: "story", version: "1.0.0" });
await client.connect(transport);
const { tools } = await client.listTools();
for (const call of play.calls) {
  if (!tools.some((tool) => tool.name === call.tool)) throw new Error(`no tool ${call.tool}`);
  const result = await client.callTool({ name: call.tool, arguments: call.arguments });
  if (result.isError || !JSON.stringify(result.structuredContent).includes(call.shows)) throw new Error(JSON.stringify(result));
}
await client.close();
console.log("done");
