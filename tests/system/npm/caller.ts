/* A CA's program: asks by the generated client, as its types permit, and prints what it was told. */
import { client } from "./generated/client.gen";
import { corroborate, corroborateDraft, getReadiness } from "./generated";
import type { MpicRequest, MpicResponse, ValidationFailure } from "./generated";

const [, , coordinator, ...names] = process.argv;
client.setConfig({ baseUrl: coordinator });

function request(name: string): MpicRequest {
	return {
		check_type: "caa",
		domain_or_ip_target: name,
		caa_check_parameters: { certificate_type: "tls-server", caa_domains: ["ca1.com"] },
		orchestration_parameters: { perspective_count: 6 },
	};
}

function told(answer: MpicResponse) {
	return {
		valid: answer.is_valid,
		quorum: answer.quorum,
		problem: answer.problem?.code ?? null,
		passed: answer.perspectives.filter((one) => one.check_response.check_passed)
			.map((one) => one.perspective_code),
	};
}

async function main() {
	const ready = await getReadiness();
	const checks = [];
	for (const name of names) {
		const { data, error, response } = await corroborate({ body: request(name) });
		const failure = error as ValidationFailure | undefined;
		checks.push({
			name,
			status: response.status,
			told: data ? told(data) : null,
			issues: failure?.validation_issues?.map((issue) => issue.loc) ?? null,
		});
	}
	const draft = await corroborateDraft({ body: { method: "caa", domain: names[0] } });
	console.log(JSON.stringify({
		ready: ready.data?.status,
		checks,
		draft: { success: draft.data?.success, caa: draft.data?.caa?.domain },
	}));
}

main();
