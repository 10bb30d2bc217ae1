import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, dataOf, type Review } from '../../api/client';
import { createStore, useStore } from '../../store/store';
import { isObject } from '../../json/source';
import { editable } from '../response/answer';
import { compareDrafts, isNewer, type Draft, type KeptDraft, type SavedDraft } from './compare-drafts';
import { forgetDraft, keepDraft, keptDraft } from './kept-draft';
import { reviewQuery } from '../../api/review-queries';

/** How long one may pause while typing before the draft goes to the server, in milliseconds. */
const TYPING_PAUSE = 800;
/** A browser lets only 64 KiB outlive a page; of a longer draft it keeps the rest itself. */
const MAX_OUTLIVING = 15_000;
/** How long it is taken for granted that nothing was saved elsewhere, in milliseconds. */
const TRUST = 10_000;

/** What a reviewer writes instead of an answer. */
export interface Edit extends Draft {
  /** Whether it is from before, and was not begun on this page. */
  isRestored: boolean;
  /** Another one whenever the text has come from elsewhere than the keyboard. */
  turn: number;
}

export interface Drafting {
  /** null: nothing is being written. */
  edit: Edit | null;
  /** What was saved elsewhere, while what is here was not. */
  offer: SavedDraft | null;
  /** Where the newest text is. */
  state: 'none' | 'here' | 'saved';
}

/** What a reviewer writes for a job: kept at once in this browser, and soon on the server. */
class DraftKeeper {
  readonly store = createStore<Drafting>({ edit: null, offer: null, state: 'none' });
  private here: KeptDraft | null;
  /** The last request for the draft: they go one after the other. */
  private sent: Promise<unknown> = Promise.resolve();
  private sending: KeptDraft | null = null;
  private lastSent: KeptDraft | null = null;
  /** Since when it is known what the server has, by `performance.now()`. */
  private knownAt = performance.now();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isOpen = false;
  private isDiscarded = false;

  constructor(
    private review: Review,
    private readonly client: QueryClient,
  ) {
    this.here = keptDraft(review.id);
    if (this.here !== null) this.knownAt = -Infinity;
    if (this.here !== null && this.here.text !== editable(review.response).text)
      this.set({ edit: this.editOf(this.here, true) });
  }

  /** Begins to keep. @returns ends that, and sends what is not saved */
  open(): () => void {
    const onHide = (): void => {
      if (document.hidden) this.flushLast();
    };
    const onOnline = (): void => void this.flush();
    this.isOpen = true;
    document.addEventListener('visibilitychange', onHide);
    window.addEventListener('online', onOnline);
    return () => {
      this.isOpen = false;
      document.removeEventListener('visibilitychange', onHide);
      window.removeEventListener('online', onOnline);
      this.flushLast();
    };
  }

  /** Takes note of the job as it was read last. */
  see(review: Review): void {
    this.review = review;
    void this.flush();
  }

  /** Begins with the answer that is shown. */
  begin(): void {
    const { revision, response } = this.review;
    this.set({ edit: this.editOf({ text: editable(response).text, revision }, false) });
  }

  change(text: string): void {
    const { edit } = this.drafting;
    if (edit) this.write({ ...edit, text });
  }

  /** Goes on with the same text, but from the answer that is shown now. */
  goOn(): void {
    const { edit } = this.drafting;
    if (edit) this.write(this.editOf({ text: edit.text, revision: this.review.revision }, false));
  }

  discard(): void {
    this.here = null;
    this.isDiscarded = true;
    clearTimeout(this.timer);
    forgetDraft(this.review.id);
    this.set({ edit: null, state: 'none' });
    if (this.drafting.offer === null) this.remove();
  }

  takeOffer(): void {
    const { offer } = this.drafting;
    this.set({ offer: null });
    if (offer) this.adopt(offer);
  }

  dropOffer(): void {
    const { offer } = this.drafting;
    this.set({ offer: null });
    if (this.here === null) this.remove();
    else if (offer) {
      this.here = { ...this.here, savedAt: offer.savedAt };
      void this.flush();
    }
  }

  private get drafting(): Drafting {
    return this.store.get();
  }

  private set(change: Partial<Drafting>): void {
    this.store.set({ ...this.drafting, ...change });
  }

  private editOf({ text, revision }: Draft, isRestored: boolean): Edit {
    return { text, revision, isRestored, turn: (this.drafting.edit?.turn ?? 0) + 1 };
  }

  private write(edit: Edit): void {
    const { text, revision } = edit;
    this.here = { text, revision, at: Date.now(), savedAt: this.here?.savedAt ?? null, isSaved: false };
    keepDraft(this.review.id, this.here);
    this.set({ edit, state: 'here' });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), TYPING_PAUSE);
  }

  private adopt(saved: SavedDraft): void {
    this.here = { ...saved, at: Date.now(), isSaved: true };
    keepDraft(this.review.id, this.here);
    this.set({ edit: this.editOf(saved, true), state: 'saved' });
  }

  /** Whether the server has saved something that is not known here. */
  private isBehind(): boolean {
    const { draft_saved_at: savedAt } = this.review;
    return !this.isDiscarded && savedAt !== null && isNewer(savedAt, this.here);
  }

  private async catchUp(): Promise<void> {
    await this.sent;
    const path = { id: this.review.id };
    if (this.isUnsaved() && performance.now() - this.knownAt > TRUST) {
      const { draft_saved_at } = await dataOf(api.GET('/v1/reviews/{id}', { params: { path } }));
      this.review = { ...this.review, draft_saved_at };
      this.knownAt = performance.now();
    }
    if (!this.isBehind()) return;
    const answer = await dataOf(api.GET('/v1/reviews/{id}/draft', { params: { path } }));
    const { content, revision, updated_at: savedAt } = answer;
    await this.sent;
    if (!this.isOpen || this.isDiscarded || !isObject(content) || typeof content.text !== 'string') return;
    const saved = { text: content.text, revision, savedAt };
    // Its answer was lost.
    if (saved.text === this.lastSent?.text && saved.revision === this.lastSent.revision)
      this.noteSaved(saved, this.lastSent);
    const is = compareDrafts(saved, this.here);
    if (is === 'newer') this.adopt(saved);
    else if (is === 'conflict') this.set({ offer: saved });
    else if (is === 'same') this.noteSaved(saved, this.here);
  }

  /** Saves what is not saved, unless that would overwrite what one has written elsewhere. */
  private async flush(): Promise<void> {
    clearTimeout(this.timer);
    // The server is away: then there is what this browser has.
    await this.catchUp().catch(() => undefined);
    if (this.isOpen && this.here !== this.sending && this.mayPut()) this.put(false);
  }

  /** The same at once, since the page may soon be gone. */
  private flushLast(): void {
    clearTimeout(this.timer);
    if (this.mayPut()) this.put(true);
  }

  private isUnsaved(): boolean {
    const hasEnded = this.review.status === 'success' || this.review.status === 'fail';
    return !hasEnded && this.here?.isSaved === false;
  }

  private mayPut(): boolean {
    const isKnown = this.knownAt > -Infinity && !this.isBehind();
    return this.isUnsaved() && isKnown && this.drafting.offer === null;
  }

  private put(keepalive: boolean): void {
    const draft = this.here as KeptDraft;
    this.sending = draft;
    this.lastSent = draft;
    const put = api.PUT('/v1/reviews/{id}/draft', {
      params: { path: { id: this.review.id } },
      body: { revision: draft.revision, content: { text: draft.text } },
      keepalive: keepalive && draft.text.length < MAX_OUTLIVING,
    });
    this.sent = dataOf(put).then(
      ({ updated_at: savedAt }) => {
        this.knownAt = performance.now();
        this.noteSaved({ ...draft, savedAt }, draft);
      },
      // It stays here, and is sent with the next change, or when one is online again.
      () => {
        this.knownAt = -Infinity;
        this.sending = null;
      },
    );
  }

  /** The server has `draft`, as `saved`. */
  private noteSaved({ text, revision, savedAt }: SavedDraft, draft: KeptDraft | null): void {
    if (this.here === null) return;
    this.isDiscarded = false;
    const { id } = this.review;
    const isSaved = this.here === draft;
    this.here = { ...this.here, savedAt, isSaved };
    if (isSaved) this.set({ state: 'saved' });
    // One may have decided meanwhile, or left and written more.
    const kept = keptDraft(id);
    if (kept) keepDraft(id, { ...kept, savedAt, isSaved: kept.text === text && kept.revision === revision });
    this.told(savedAt);
  }

  private remove(): void {
    this.told(null);
    const path = { id: this.review.id };
    this.sent = this.sent
      .then(() => api.DELETE('/v1/reviews/{id}/draft', { params: { path } }))
      .catch(() => undefined);
  }

  private told(savedAt: string | null): void {
    // Of a job that one has left, more may have changed.
    if (!this.isOpen) return;
    const { queryKey } = reviewQuery(this.review.id);
    this.client.setQueryData(queryKey, (review) => review && { ...review, draft_saved_at: savedAt });
  }
}

/** What is being written for a job, and what keeps it. */
export function useDraft(review: Review): [Drafting, DraftKeeper] {
  const client = useQueryClient();
  const [keeper] = useState(() => new DraftKeeper(review, client));
  useEffect(() => keeper.open(), [keeper]);
  useEffect(() => keeper.see(review), [keeper, review]);
  return [useStore(keeper.store), keeper];
}
