/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one scenario with Microsoft's own clients of the API and prints what they saw as JSON. Called by
 * tests/flow/test_graph_clients.py: node client.cjs <scenario>, with {url, host, tenant, clientId, secret, ...} on standard input.
 * The CA is trusted through NODE_EXTRA_CA_CERTS.
 */
"use strict";

const { ClientSecretCredential, DeviceCodeCredential } = require("@azure/identity");
const msal = require("@azure/msal-node");
const graph = require("@microsoft/microsoft-graph-client");
const azure = require("@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials");

const CONFIGURATIONS = "/deviceManagement/deviceConfigurations";
const ACCESS = "/deviceManagement/resourceAccessProfiles"; // of Windows 10X

function credential(w) {
	return new ClientSecretCredential(w.tenant, w.clientId, w.secret, {
		authorityHost: w.url,
		disableInstanceDiscovery: true,
	});
}

/* A client as its documentation makes one for a host of one's own. */
function client(w, options = {}) {
	const authProvider = new azure.TokenCredentialAuthenticationProvider(credential(w), {
		scopes: [`${w.url}/.default`],
	});
	return graph.Client.initWithMiddleware({
		authProvider,
		baseUrl: w.url,
		customHosts: new Set([w.host]),
		defaultVersion: "beta",
		...options,
	});
}

/* What a GraphError tells a program. */
async function failure(run) {
	try {
		return { answer: await run() };
	} catch (e) {
		return {
			name: e.constructor.name,
			status: e.statusCode,
			code: e.code,
			message: e.message,
			requestId: e.requestId,
			dated: e.date instanceof Date && !Number.isNaN(e.date.getTime()),
			body: typeof e.body === "string" ? JSON.parse(e.body) : e.body,
		};
	}
}

const scenarios = {
	/* Azure Identity and MSAL, each by client secret; what the token says. */
	async token(w) {
		const one = await credential(w).getToken(`${w.url}/.default`);
		const app = new msal.ConfidentialClientApplication({
			auth: {
				clientId: w.clientId,
				clientSecret: w.secret,
				authority: `${w.url}/${w.tenant}`,
				knownAuthorities: [new URL(w.url).host],
			},
		});
		const two = await app.acquireTokenByClientCredential({ scopes: [`${w.url}/.default`] });
		const claims = JSON.parse(Buffer.from(one.token.split(".")[1], "base64url").toString());
		return { identity: one.token, msal: two.accessToken, expires: one.expiresOnTimestamp, claims };
	},

	async wrongSecret(w) {
		try {
			await credential({ ...w, secret: "not the secret" }).getToken(`${w.url}/.default`);
			return {};
		} catch (e) {
			return { name: e.name, message: e.message, error: e.errorResponse };
		}
	},

	/* The code is shown to the caller on standard error, who enters it as a person would. */
	async deviceCode(w) {
		const shown = (info) => process.stderr.write(`CODE ${info.userCode} ${info.verificationUri}\n`);
		const who = new DeviceCodeCredential({
			tenantId: w.tenant,
			clientId: w.publicClient,
			authorityHost: w.url,
			disableInstanceDiscovery: true,
			userPromptCallback: shown,
		});
		const got = await who.getToken(`${w.url}/.default`);
		return { token: got.token };
	},

	/* Every body that it is given: created, read, changed, read again, deleted. */
	async profiles(w) {
		const c = client(w);
		const seen = [];
		for (const body of w.bodies) {
			const set = body["@odata.type"].includes("windows10X") ? ACCESS : CONFIGURATIONS;
			const made = await c.api(set).post(body);
			const one = `${set}/${made.id}`;
			const read = await c.api(one).get();
			const changed = await c.api(one).patch({ "@odata.type": body["@odata.type"], description: "by a client" });
			const gone = await c.api(one).delete();
			const after = await failure(() => c.api(one).get());
			seen.push({ made, read, changed, gone: gone === undefined, after: after.status });
		}
		return seen;
	},

	/* Assigned, read back in each way that scripts read assignments. */
	async assign(w) {
		const c = client(w);
		const made = await c.api(CONFIGURATIONS).post(w.body);
		const one = `${CONFIGURATIONS}/${made.id}`;
		const target = (type, more) => ({ target: { "@odata.type": `#microsoft.graph.${type}`, ...more } });
		const answer = await c.api(`${one}/assign`).post({
			assignments: [target("groupAssignmentTarget", { groupId: w.group }),
				target("exclusionGroupAssignmentTarget", { groupId: w.excluded })],
		});
		const expanded = await c.api(one).expand("assignments").get();
		const added = await c.api(`${one}/assignments`).post(target("allDevicesAssignmentTarget", {}));
		const listed = await c.api(`${one}/assignments`).get();
		const single = await c.api(`${one}/assignments/${added.id}`).get();
		await c.api(`${one}/assignments/${added.id}`).delete();
		const cleared = await c.api(`${one}/assign`).post({ assignments: [] });
		await c.api(one).delete();
		return { made, answer, expanded, added, listed, single, cleared };
	},

	/* Query options, and all pages by the iterator. */
	async pages(w) {
		const c = client(w);
		const first = await c.api("/users").version("v1.0").top(w.top).select(["id", "displayName"])
			.filter(`startswith(userPrincipalName,'${w.prefix}')`).get();
		const names = [];
		const turn = new graph.PageIterator(c, first, (user) => names.push(user.displayName) > 0);
		await turn.iterate();
		const counted = await c.api("/users/$count").version("v1.0").header("ConsistencyLevel", "eventual").get();
		const sorted = await c.api("/users").version("v1.0").orderby("displayName desc").top(3)
			.filter(`startswith(userPrincipalName,'${w.prefix}')`).get();
		const searched = await c.api("/users").version("v1.0").header("ConsistencyLevel", "eventual")
			.search(`"displayName:${w.search}"`).count(true).get();
		return { firstPage: first.value.length, next: first["@odata.nextLink"], names, counted, sorted, searched };
	},

	/* BatchRequestContent keeps the version in each address, and the dependency goes with it. */
	async batch(w) {
		const c = client(w);
		const at = (path, more) => new Request(`${w.url}${path}`, more);
		const content = new graph.BatchRequestContent([
			{ id: "1", request: at(`/beta/users/${w.user}?$select=id,displayName`, { method: "GET" }) },
			{
				id: "2",
				request: at(`/beta${CONFIGURATIONS}`, {
					method: "POST",
					headers: { "Content-Type": "application/json" },
					body: JSON.stringify(w.body),
				}),
				dependsOn: ["1"],
			},
			{
				id: "3",
				request: at("/beta/users/nobody@contoso.example", { method: "GET" }),
				dependsOn: ["2"],
			},
		]);
		const raw = await c.api("/$batch").post(await content.getContent());
		const answer = new graph.BatchResponseContent(raw);
		const read = async (id) => {
			const r = answer.getResponseById(id);
			return { status: r.status, body: await r.json() };
		};
		const seen = { 1: await read("1"), 2: await read("2"), 3: await read("3") };
		await c.api(`${CONFIGURATIONS}/${seen[2].body.id}`).delete();
		return seen;
	},

	/* Two administrators change one profile; the second is told. */
	async etag(w) {
		const c = client(w);
		const made = await c.api(CONFIGURATIONS).post(w.body);
		const one = `${CONFIGURATIONS}/${made.id}`;
		const type = made["@odata.type"];
		const raw = await c.api(one).responseType(graph.ResponseType.RAW).get();
		const etag = raw.headers.get("ETag");
		await raw.text();
		const change = (description) => () => c.api(one).header("If-Match", etag)
			.patch({ "@odata.type": type, description });
		const first = await failure(change("first"));
		const second = await failure(change("second"));
		const kept = await c.api(one).get();
		await c.api(one).delete();
		return { etag, first: first.answer, second, kept };
	},

	/* More than one caller may ask in a while; the client waits as it is told and goes on. */
	async throttled(w) {
		const c = client(w);
		const started = Date.now();
		let answered = 0;
		for (let i = 0; i < w.requests; i++) {
			const page = await c.api("/organization").version("v1.0").get();
			answered += page.value.length;
		}
		const token = (await credential(w).getToken(`${w.url}/.default`)).token;
		let refused = null;
		for (let i = 0; i < w.requests && refused === null; i++) {
			const r = await fetch(`${w.url}/v1.0/organization`, { headers: { Authorization: `Bearer ${token}` } });
			const body = await r.json();
			if (r.status === 429)
				refused = { retryAfter: r.headers.get("Retry-After"), code: body.error.code };
		}
		return { answered, ms: Date.now() - started, refused };
	},

	/* What a program gets to see of failures. */
	async errors(w) {
		const c = client(w);
		const wrong = { ...w.body, renewalThresholdPercentage: 100 };
		const open = graph.Client.init({
			authProvider: (done) => done(null, "no.token.atall"),
			baseUrl: w.url,
			customHosts: new Set([w.host]),
		});
		return {
			model: await failure(() => c.api(CONFIGURATIONS).post(wrong)),
			unknown: await failure(() => c.api(CONFIGURATIONS).post({ ...w.body, noSuchThing: 1 })),
			missing: await failure(() => c.api(`${CONFIGURATIONS}/00000000-0000-0000-0000-000000000001`).get()),
			segment: await failure(() => c.api("/deviceManagement/noSuchSegment").get()),
			filter: await failure(() => c.api(CONFIGURATIONS).filter("noSuchProperty eq 1").get()),
			token: await failure(() => open.api("/users").get()),
		};
	},
};

async function main() {
	let text = "";
	for await (const part of process.stdin)
		text += part;
	const answer = await scenarios[process.argv[2]](JSON.parse(text));
	process.stdout.write(JSON.stringify(answer));
}

main().catch((e) => {
	process.stderr.write(`${e.stack}\n${e.body || ""}\n`);
	process.exitCode = 1;
});
