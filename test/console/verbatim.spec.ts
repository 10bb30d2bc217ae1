import { describe, expect, it } from '@jest/globals';
import { consoleSuite } from './suite';

/** What JSON.parse and JSON.stringify would round, drop, or put in another order. */
const ODD = '"2": 1.0, "1": 12345678901234567890, "__proto__": 1e400, "0": -0';
const chat = (message: string) =>
  `{ ${ODD}, "choices":[{"index":0,"message":${message},"finish_reason":"stop","logprob": 1e400 }],\n "created":12345678901234567890}`;
const SAID = chat('{"content": "H\\u0069", "role":"assistant"}');
const ARGUMENTS = `{${ODD}}`;
const CALL = chat(
  `{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":${JSON.stringify(ARGUMENTS)}}}]}`,
);
const ASKED = `{"model":"stub","seed":12345678901234567890,"messages":[{"role":"user","content":"x"}],${ODD}}`;
const LINES = ['2: 1.0', '1: 12345678901234567890', '__proto__: 1e400', '0: -0'];

describe('what was written, as a reviewer sees and sends it', () => {
  const { stack, alice, waiting, delivered } = consoleSuite();
  const answerField = () => alice.page.getByRole('textbox', { name: 'Your response' });
  const text = async (role: 'group' | 'textbox', name: string) => {
    const part = alice.page.getByRole(role, { name }).first();
    await part.waitFor();
    return part.innerText();
  };

  /** Opens a job of which the server says that this was asked and answered. */
  async function opens(response: string): Promise<void> {
    const id = await waiting('x');
    await alice.page.route(new RegExp(`/v1/reviews/${id}(/claim)?$`), async (route) => {
      const answer = await route.fetch();
      const said = { ...((await answer.json()) as object), payload: undefined, response: undefined };
      const body = `{"payload":${ASKED},"response":${response},${JSON.stringify(said).slice(1)}`;
      await route.fulfill({ response: answer, body });
    });
    await alice.opens(id);
  }
  /** The body of the decision that Control+Enter sends. */
  async function saves(): Promise<string> {
    alice.excuse(/ 4\d\d .*\/decision$/);
    const sent = alice.page.waitForRequest('**/decision');
    await alice.press('Control+Enter');
    return (await sent).postData() ?? '';
  }

  it('has all its digits and its order in the tree, raw, in the result and in the request', async () => {
    await opens(CALL);
    const tree = await text('group', 'The response');
    expect(tree.split('\n').filter((line) => LINES.includes(line.trim()))).toEqual([...LINES, ...LINES]);
    expect(tree).toContain('arguments: text that holds {4}');
    await alice.page.getByText('Parameters').click();
    expect((await text('group', 'Parameters')).split('\n').map((line) => line.trim())).toEqual([
      expect.stringContaining('{6}'),
      'model: “stub”',
      'seed: 12345678901234567890',
      ...LINES,
    ]);
    await alice.press('p');
    expect(await text('textbox', 'What the submitter will get')).toContain(ODD);
    await alice.press('p', 'v');
    expect(await text('textbox', 'The response as it is')).toContain(JSON.stringify(ARGUMENTS));
    expect(await text('textbox', 'The request as it came')).toContain('"seed": 12345678901234567890,');
  });

  it('is sent back byte for byte, but for the text that was edited', async () => {
    await opens(SAID);
    await alice.press('e');
    await answerField().waitFor();
    await alice.page.keyboard.type(' "there"');
    await alice.sees('Draft saved');
    const edited = SAID.replace('"H\\u0069"', '"Hi \\"there\\""');
    expect(await saves()).toContain(`"response":${edited},`);
  });

  it('is, where JSON is edited, sent exactly as it was typed', async () => {
    await opens(CALL);
    await alice.press('e');
    await answerField().waitFor();
    await alice.press('Control+a');
    await alice.page.keyboard.type(`{ ${ODD} ,"choices":  []}`);
    await alice.sees('Draft saved');
    expect(await saves()).toContain(`"response":{ ${ODD} ,"choices":  []},`);
  });

  it('is not sent while one name is there twice, and says where', async () => {
    await opens(CALL);
    await alice.press('e');
    await answerField().waitFor();
    await alice.press('Control+a');
    await alice.page.keyboard.type('{"a": 1,\n"a": 2}');
    await alice.sees(/^Nothing can be delivered yet: "a" is there twice/);
    await alice.sees(/^Line 2: "a" is there twice/);
    await alice.press('Control+Enter');
    await alice.sees(/^Nothing was decided: "a" is there twice.* The editor shows where\.$/);
  });

  it('comes from the client and the model, and goes to the client, as it is', async () => {
    stack.stub.answer = () => ({ text: SAID });
    const job = await stack.http.post('/v1/jobs', `{"payload":${ASKED}}`);
    expect(job.status).toBe(202);
    const { id } = job.body;
    await stack.reaches(id, 'human');
    await alice.opens(id);
    await alice.page.getByText('Parameters').click();
    await alice.sees('12345678901234567890');
    await alice.press('e');
    await answerField().waitFor();
    await alice.page.keyboard.type(' there');
    await alice.press('Control+Enter');
    await alice.sees('Approved with changes');
    expect(await delivered(id)).toBe('Hi there');
    const { text: read } = await stack.http.get(`/v1/jobs/${id}`);
    expect(read).toContain(SAID.replace('"H\\u0069"', '"Hi there"'));
    expect(read).toContain(ASKED);
  });
});
