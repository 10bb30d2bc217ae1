import { describe, expect, it } from '@jest/globals';
import { completion, until } from '@hitl/testing';
import type { Route } from 'playwright-core';
import { as, consoleSuite } from './suite';

const POLICY = `
version: 1
groups: { lawyers: [ben], everybody: [alice, ben, cleo] }
rules:
  - { name: legal, when: metadata.kind == "legal", group: lawyers }
  - { name: twice, when: metadata.kind == "twice", approvals: 2 }
  - { name: own, when: metadata.kind == "own", four_eyes: true }
  - { name: hasty, when: metadata.kind == "hasty", deadline: 1h, on_deadline: approve }
  - { name: trusted, when: metadata.kind == "trusted", outcome: approve }
`;

describe('the moments in which a reviewer could be led astray', () => {
  const { stack, database, alice, waiting, crowd, claims, decides, review } = consoleSuite({
    policy: POLICY,
  });
  const claimOf = async (id: string) => (await review(id)).review.claim?.by ?? null;
  const heading = (name: string) => alice.page.getByRole('heading', { name, exact: true });
  const answerField = () => alice.page.getByRole('textbox', { name: 'Your response' });
  /** Keeps a chunk of the console from arriving until the answer is called. */
  async function holdsBack(chunk: string): Promise<() => Promise<void>> {
    const routes: Route[] = [];
    let isFree = false;
    await alice.page.route(`**/assets/${chunk}-*.js`, (route) => {
      if (isFree) return route.continue();
      routes.push(route);
      return undefined;
    });
    return async () => {
      isFree = true;
      for (const route of routes) await route.continue();
    };
  }

  describe('with keys', () => {
    it('takes what is typed after E into the answer, while the editor is still loading', async () => {
      const id = await waiting('x');
      const arrives = await holdsBack('editor');
      await alice.opens(id);
      await alice.press('e');
      await alice.page.keyboard.type(' Dear customer, thanks. N.B. A/C zjk');
      expect(await answerField().inputValue()).toBe('You said: x Dear customer, thanks. N.B. A/C zjk');
      await alice.press('ArrowLeft', 'ArrowLeft', 'ArrowLeft');
      await arrives();
      await alice.page.locator('.cm-content[aria-label="Your response"]').waitFor();
      await alice.page.keyboard.type('!');
      await answerField().getByText('You said: x Dear customer, thanks. N.B. A/C !zjk').waitFor();
      expect(alice.page.url()).toContain(id);
      expect(await review(id)).toMatchObject({ status: 'human', revision: 1, review: { held: null } });
    });

    it('types nothing by the key that opened the editor, however long it is held', async () => {
      await alice.opens(await waiting('x'));
      for (let times = 0; times < 5; times += 1) await alice.page.keyboard.down('e');
      await alice.page.keyboard.up('e');
      await alice.page.locator('.cm-content[aria-label="Your response"]').waitFor();
      expect(await answerField().innerText()).toBe('You said: x');
      await alice.page.keyboard.type('e');
      await answerField().getByText('You said: xe', { exact: true }).waitFor();
    });

    it('decides nothing by a second press in the blink in which the next answer appears, nor by a held key', async () => {
      const second = await waiting('the second');
      const first = await waiting('the first', { priority: 9 });
      await alice.opens(first);
      await alice.page.keyboard.down('a');
      await heading('the second').waitFor();
      for (let times = 0; times < 5; times += 1) await alice.page.keyboard.down('a');
      await alice.page.keyboard.up('a');
      await alice.press('a', 'a', 'Control+Enter');
      await alice.sees('This response has only just appeared');
      await alice.isReady();
      expect(await review(second)).toMatchObject({ status: 'human', review: { held: null } });
      await alice.press('a');
      await until('it is decided', async () => {
        const job = await review(second);
        return job.review.held !== null || job.status === 'success';
      });
    });

    it('decides nothing by a key that meets an answer which has just replaced another', async () => {
      const id = await waiting('x');
      await alice.opens(id);
      const etag = { ...as('ben'), 'if-match': '"1"' };
      await claims(id, 'ben');
      await stack.http.put(`/v1/reviews/${id}/response`, { response: completion('from ben') }, etag);
      await stack.http.delete(`/v1/reviews/${id}/claim`, as('ben'));
      const { revision } = await review(id);
      if (revision === 1) await decides(id, { verdict: 'regenerate', undo_ms: 0 }, 'ben');
      await alice.page.locator('[role=toolbar][aria-busy=true]').waitFor();
      await alice.press('a');
      await alice.isReady();
      expect((await review(id)).review.held).toBeNull();
    });

    it('begins the words of a rejection with the letters that are typed after R', async () => {
      const id = await waiting('x');
      await alice.opens(id);
      await alice.press('r', '2');
      await alice.page.keyboard.type('nact: too vague');
      const why = alice.page.getByRole('textbox', { name: 'Why, for reviewers and auditors' });
      expect(await why.inputValue()).toBe('nact: too vague');
      await alice.page.getByRole('radio', { name: 'Unsafe', checked: true }).waitFor();
      expect((await review(id)).status).toBe('human');
    });

    it.each(['Search what was asked', 'Model', 'Rule', 'Group'])(
      'leaves the field %j by Escape with its text, and acts only on what it found',
      async (label) => {
        const [id] = [
          await waiting('order 61000', { kind: 'twice' }),
          await waiting('order 1', { priority: 9 }),
        ];
        await alice.page.getByRole('row', { name: 'order 61000' }).waitFor();
        const field = alice.page.getByLabel(label, { exact: true });
        await field.focus();
        const text = { Model: 'stub', Rule: 'twice', Group: 'nobody' }[label] ?? '61000';
        await alice.page.keyboard.type(text);
        await alice.press('Escape');
        expect(await field.inputValue()).toBe(text);
        expect(await field.evaluate((each: any) => each === each.ownerDocument.activeElement)).toBe(false);
        if (label !== 'Rule' && text !== '61000') return;
        // Until the list is the one that was asked for, these keys do nothing.
        await until('a job is open', async () => {
          if (alice.page.url().includes('/review/')) return true;
          await alice.press('j', 'Enter');
          return false;
        });
        await heading('order 61000').waitFor();
        expect(alice.page.url()).toContain(id);
      },
    );
  });

  describe('going on', () => {
    it('leads to the jobs that one may decide, and past those of other groups, one’s own and those judged', async () => {
      await waiting('for lawyers', { kind: 'legal', priority: 8 });
      await waiting('my own', { kind: 'own', priority: 7, by: 'alice' });
      const judged = await waiting('judged', { kind: 'twice', priority: 6 });
      await decides(judged, { verdict: 'approve', undo_ms: 0 }, 'alice');
      await waiting('the last', { priority: 1 });
      const first = await waiting('the first', { priority: 9 });
      await alice.opens(first);
      await alice.sees('1 of 5');
      await alice.press('j');
      await heading('the last').waitFor();
      await alice.press('k');
      await heading('the first').waitFor();
      await alice.isReady();
      await alice.press('a');
      await heading('the last').waitFor();
      await alice.press('Escape');
      const row = alice.page.getByRole('row', { name: 'for lawyers' });
      await row.getByText('not you').waitFor();
      await alice.page.getByLabel('Who has it').selectOption('That I can decide');
      await row.waitFor({ state: 'detached' });
      await alice.page.getByRole('row', { name: 'the last' }).waitFor();
    });

    it.each([
      ['legal', 'submitter', 'Only the group lawyers can decide this'],
      ['own', 'alice', 'You submitted this request'],
      ['twice', 'submitter', 'You have already judged this response'],
    ])('says why nothing can be decided on a job of kind %s', async (kind, by, why) => {
      const id = await waiting('x', { kind, by });
      if (kind === 'twice') await decides(id, { verdict: 'approve', undo_ms: 0 }, 'alice');
      await alice.page.goto(`${stack.url}/review/${id}`);
      await alice.sees(`You cannot decide here. ${why}`);
      await alice.page.getByRole('button', { name: 'Approve', disabled: true }).waitFor();
      expect(await alice.button('Approve').getAttribute('title')).toContain(why);
      await alice.press('a');
      await alice.page.locator('[aria-live=polite]').getByText(why).last().waitFor();
      expect((await review(id)).review.held).toBeNull();
    });
  });

  describe('when a part does not arrive', () => {
    it('goes on with a plain field where the editor is gone, and loses nothing by a reload', async () => {
      const id = await waiting('x');
      alice.excuse(/editor-|Failed to fetch dynamically|404/);
      await alice.page.route('**/assets/editor-*.js', (route) => route.fulfill({ status: 404 }));
      await alice.page.reload();
      await alice.opens(id);
      await alice.press('e');
      await alice.page.keyboard.type(' by hand');
      await alice.sees('The editor could not be loaded');
      await alice.page.keyboard.type(', all of it');
      expect(await answerField().inputValue()).toBe('You said: x by hand, all of it');
      await alice.page.unroute('**/assets/editor-*.js');
      await alice.button('Reload (your edit is kept)').click();
      await alice.sees('Your earlier draft is restored.');
      await alice.page
        .locator('.cm-content[aria-label="Your response"]')
        .getByText('by hand, all of it')
        .waitFor();
    });

    it('keeps the page where another page cannot be loaded, and tries again', async () => {
      alice.excuse(/insight-page|Failed to fetch dynamically|ERR_|404/);
      await alice.page.route('**/assets/insight-page-*.js', (route) => route.abort());
      await alice.page.reload();
      await alice.page.getByRole('link', { name: 'Insight' }).click();
      await alice.sees('The page could not be loaded');
      await alice.page.getByRole('link', { name: 'Queue' }).waitFor();
      await alice.page.unroute('**/assets/insight-page-*.js');
      await alice.button('Try again').click();
      await alice.sees('Waiting now');
    });

    it('leaves the word that the help is missing by Escape, and not the job', async () => {
      const id = await waiting('x');
      alice.excuse(/help-dialog|Failed to fetch dynamically|404/);
      await alice.page.route('**/assets/help-dialog-*.js', (route) => route.fulfill({ status: 404 }));
      await alice.page.reload();
      await alice.opens(id);
      await alice.press('?');
      await alice.sees('This could not be loaded');
      await alice.press('Escape');
      await alice.page.getByText('This could not be loaded').waitFor({ state: 'detached' });
      expect(alice.page.url()).toBe(`${stack.url}/review/${id}`);
    });

    it('has the editor and the help at hand while offline, and does not reload into nothing', async () => {
      const id = await waiting('x');
      alice.excuse(/ERR_INTERNET_DISCONNECTED|Failed to fetch/);
      await alice.opens(id);
      await alice.page.waitForFunction(
        `performance.getEntriesByType('resource').some(({ name }) => /help-dialog-/.test(name))
          && performance.getEntriesByType('resource').some(({ name }) => /editor-/.test(name))
          && performance.getEntriesByType('resource').some(({ name }) => /webhooks-page-/.test(name))`,
      );
      await alice.page.context().setOffline(true);
      await alice.press('?');
      await alice.page.getByRole('dialog', { name: 'Keys' }).waitFor();
      await alice.press('Escape');
      await alice.page.getByRole('dialog').waitFor({ state: 'detached' });
      await alice.press('e');
      await alice.page.locator('.cm-content[aria-label="Your response"]').waitFor();
      await alice.page.keyboard.type(' offline');
      await alice.sees('Draft kept in this browser');
      await alice.page.context().setOffline(false);
      await alice.sees('Draft saved');
    });
  });

  describe('with claims', () => {
    it.each([
      ['e', 'an edit'],
      ['r', 'a rejection'],
      ['t', 'words for the model'],
    ])('claims a job by %s, the beginning of %s, and not by looking', async (key) => {
      const id = await waiting('x');
      await alice.opens(id);
      await alice.press('d', 'd', 'v', 'v', 'h', 'h');
      expect(await claimOf(id)).toBeNull();
      await alice.press(key);
      await alice.button('Release').waitFor();
      expect(await claimOf(id)).toBe('alice');
    });

    it('gives the claim back with the tab, and says that nobody looks any more', async () => {
      const id = await waiting('x');
      await alice.opens(id);
      await alice.press('e');
      await alice.button('Release').waitFor();
      await alice.page.close({ runBeforeUnload: true });
      await until('the claim is given back', async () => (await claimOf(id)) === null);
      await until('nobody but ben looks', async () => {
        const { body } = await stack.http.put(`/v1/reviews/${id}/viewers`, undefined, as('ben'));
        return body.viewers.join() === 'ben';
      });
    });

    it('claims anew where the browser brings the page back that it had put aside', async () => {
      const id = await waiting('x');
      await alice.opens(id);
      await alice.press('e');
      await alice.button('Release').waitFor();
      await alice.page.evaluate(`dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))`);
      await until('the claim is given back', async () => (await claimOf(id)) === null);
      await alice.page.evaluate(`dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))`);
      await alice.button('Claim').waitFor();
      await answerField().focus();
      await until('it is claimed', async () => {
        await alice.page.keyboard.type('!');
        return (await claimOf(id)) === 'alice';
      });
      await alice.button('Release').waitFor();
    });

    it('leaves the claim alone that was taken elsewhere', async () => {
      const id = await waiting('x');
      await claims(id, 'alice');
      await alice.opens(id);
      await alice.button('Release').waitFor();
      await alice.press('Escape');
      await alice.page.getByRole('row', { name: 'x' }).waitFor();
      expect(await claimOf(id)).toBe('alice');
    });
  });

  describe('at first sight', () => {
    it('shows a colleague’s note and a voter’s rejection with its reason, in the review and in the queue', async () => {
      const id = await waiting('x', { kind: 'twice' });
      await stack.http.post(`/v1/reviews/${id}/notes`, { text: 'They will NOT accept 125 %.' }, as('cleo'));
      const no = { verdict: 'reject', reason_code: 'unsafe', reason: 'wrong dose', undo_ms: 0 };
      await decides(id, no, 'ben');
      const row = alice.page.getByRole('row', { name: 'x' });
      await row.getByText('1 note').waitFor();
      await row.getByText('rejected').waitFor();
      await alice.opens(id);
      const said = alice.page.getByRole('region', { name: 'What colleagues say' });
      await said.getByText('They will NOT accept 125 %.').waitFor();
      await said.getByText('ben rejects this response: Unsafe').waitFor();
      await said.getByText('wrong dose').waitFor();
      await alice.page.getByText('rejected by ben').waitFor();
    });

    it('counts down to the moment in which an answer delivers itself, and then says by which rule it did', async () => {
      const id = await waiting('x', { kind: 'hasty' });
      await database.query(`UPDATE jobs SET deadline_at = now() + interval '4 minutes' WHERE id = $1`, [id]);
      await alice.page.reload();
      await alice.page
        .getByRole('row', { name: 'x' })
        .getByText(/auto-approves in 3m/)
        .waitFor();
      await alice.opens(id);
      await alice.sees(/^This response is delivered automatically in 3m \d+s$/);
      await database.query('UPDATE jobs SET deadline_at = now() WHERE id = $1', [id]);
      await stack.reaches(id, 'success');
      await alice.sees('Approved by rule hasty of the policy at its deadline, because nobody had decided.');
    });

    it('tells one time for an end that is put off, in the review and in the queue', async () => {
      const id = await waiting('x', { kind: 'hasty' });
      await database.query(`UPDATE jobs SET deadline_at = now() + interval '2 minutes' WHERE id = $1`, [id]);
      await alice.opens(id);
      await alice.press('c');
      await alice.sees('It is postponed while a reviewer is at work');
      await alice.sees(/^This response is delivered automatically in 4m \d+s$/);
      await alice.sees(/^auto-approves in 4m \d+s$/);
      await alice.press('Escape');
      await until('the claim is given back', async () => (await claimOf(id)) === null);
      await claims(id, 'ben');
      const row = alice.page.getByRole('row', { name: 'x' });
      await row.getByText(/^auto-approves in 4m/).waitFor();
      await row.getByRole('gridcell').last().getByText(/^4m/).waitFor();
    });

    it('says of a job that a rule has approved which rule it was, and of a rejected one who did it and why', async () => {
      const payload = { model: 'stub', messages: [{ role: 'user', content: 'x' }] };
      const { id } = await stack.submit(payload, { metadata: { kind: 'trusted' } });
      await stack.reaches(id, 'success');
      await alice.page.goto(`${stack.url}/review/${id}`);
      await alice.sees('Approved by rule trusted of the policy; no person has judged it.');
      const rejected = await waiting('y');
      const no = { verdict: 'reject', reason: 'too rude', submitter_message: 'Ask again', undo_ms: 0 };
      await decides(rejected, no, 'ben');
      await stack.reaches(rejected, 'fail');
      await alice.page.goto(`${stack.url}/review/${rejected}`);
      await alice.sees(/Rejected by ben, .*: too rude\. To the submitter: Ask again/);
    });

    it('comes back to the list’s place, cursor and selection', async () => {
      await crowd(150);
      const { page } = alice;
      await page.reload();
      await alice.sees('150 waiting');
      await page.getByRole('row', { name: /\bjob 1\b/ }).waitFor();
      await alice.press('j', 'x');
      const grid = page.getByRole('grid');
      await grid.evaluate((each: any) => each.scrollTo(0, 3000));
      await page.getByRole('row', { name: 'job 85 ' }).click();
      await heading('job 85').waitFor();
      await alice.press('Escape');
      await page.getByRole('row', { name: 'job 85 ' }).waitFor();
      expect(Math.abs((await grid.evaluate((each: any) => each.scrollTop)) - 3000)).toBeLessThan(40);
      await alice.sees('1 selected');
      expect(await grid.getAttribute('aria-activedescendant')).toContain('55');
      await alice.press('Enter');
      await heading('job 85').waitFor();
      await alice.isReady();
      // The cursor goes with what one decides.
      await alice.press('j');
      await heading('job 86').waitFor();
      await page.goBack();
      await page.goBack();
      await page.getByRole('row', { name: 'job 86 ' }).waitFor();
      await alice.sees('1 selected');
    });
  });

  describe('in words', () => {
    async function opens(answer: string, question = 'x'): Promise<void> {
      stack.stub.answer = () => ({ body: completion(answer) });
      await alice.opens(await waiting(question));
    }
    const answer = () => alice.page.getByRole('region', { name: /^Response/ });
    const directionOf = (text: string) =>
      answer()
        .getByText(text)
        .first()
        .evaluate(
          (each: any) => each.ownerDocument.defaultView.getComputedStyle(each.closest('[dir]')).direction,
        );

    it('sets Arabic and Hebrew from right to left, each block by itself, also where one writes', async () => {
      const arabic = 'مرحبا بالعالم. كيف الحال؟';
      await opens(`Hello.\n\n${arabic}\n\n- قائمة\n- ثانية\n\n\`\`\`js\nlet a = 1;\n\`\`\``, arabic);
      await answer().getByRole('listitem').first().waitFor();
      expect(await directionOf('Hello.')).toBe('ltr');
      expect(await directionOf(arabic)).toBe('rtl');
      expect(await directionOf('قائمة')).toBe('rtl');
      const question = alice.page.getByRole('article').getByText(arabic);
      expect(
        await question.evaluate(
          (each: any) => each.ownerDocument.defaultView.getComputedStyle(each.closest('[dir]')).direction,
        ),
      ).toBe('rtl');
      expect(
        await heading(arabic).evaluate(
          (each: any) => each.ownerDocument.defaultView.getComputedStyle(each).direction,
        ),
      ).toBe('rtl');
      await alice.press('e');
      const line = alice.page.locator('.cm-content[aria-label="Your response"] .cm-line', {
        hasText: arabic,
      });
      await line.waitFor();
      expect(
        await line.evaluate((each: any) => each.ownerDocument.defaultView.getComputedStyle(each).direction),
      ).toBe('rtl');
    });

    it('shows JSON in a chat as it was written', async () => {
      const json = '{\n  "to": "*Anna*",\n  "rows": [\n    1,\n    2\n  ]\n}';
      await opens(json);
      expect(await answer().locator('pre').innerText()).toBe(json);
    });

    it('keeps line breaks and indentation, and names the language of code', async () => {
      await opens(
        'The clauses:\n   (a) one\n      (i) two  three\nregards,  \nBen\n\n```ts\nif (a) {\n  b();\n}\n```\n\n# End',
      );
      await answer().getByRole('heading', { name: 'End' }).waitFor();
      expect(await answer().locator('.prose > p').first().innerText()).toBe(
        'The clauses:\n   (a) one\n      (i) two  three\nregards,\nBen',
      );
      expect(await answer().locator('.code-label + pre').innerText()).toBe('if (a) {\n  b();\n}\n');
      expect(await answer().locator('.code-label').innerText()).toBe('ts');
    });

    it('formats 30 KB of markdown piece by piece, with every word in sight all the time', async () => {
      const paragraphs = Array.from(
        { length: 120 },
        (_, n) => `## Part ${n}\n\nw${n}w **bold** and \`code\` ${'lorem ipsum '.repeat(15)}\n\n- a\n- b`,
      );
      stack.stub.answer = () => ({ body: completion(paragraphs.join('\n\n')) });
      const id = await waiting('x');
      const arrives = await holdsBack('markdown');
      await alice.page.reload();
      await alice.opens(id);
      const isWhole = async () => {
        const text = await answer().innerText();
        return paragraphs.every((_, n) => text.includes(`w${n}w`));
      };
      expect(await isWhole()).toBe(true);
      await alice.page.evaluate(`new MutationObserver(() => {
        globalThis.first ||= document.querySelectorAll('[aria-labelledby=answer] .prose h2').length;
      }).observe(document.body, { childList: true, subtree: true })`);
      await arrives();
      await answer().getByRole('heading', { name: 'Part 0' }).waitFor();
      expect(await alice.page.evaluate('globalThis.first')).toBeLessThan(60);
      expect(await isWhole()).toBe(true);
      await answer().getByRole('heading', { name: 'Part 119' }).waitFor();
      expect(await isWhole()).toBe(true);
    });
  });
});
