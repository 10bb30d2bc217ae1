import type { Review } from '../../api/client';
import { moment } from '../../text/time';
import { Button } from '../../ui/button';
import { Banner } from '../../ui/banner';
import type { Drafting } from './draft';

interface EditBannerProps {
  review: Review;
  drafting: Drafting;
  /** Whether a person is waited for. */
  waits: boolean;
  onGoOn: () => void;
  onTakeOffer: () => void;
  onDropOffer: () => void;
}

/** What one should know of what one is writing: where it is from, and which answer it was begun on. */
export function EditBanner({ review, drafting, waits, onGoOn, onTakeOffer, onDropOffer }: EditBannerProps) {
  const { edit, offer } = drafting;
  const isOld = edit !== null && waits && edit.revision !== review.revision;
  const isRestored = edit !== null && waits && edit.isRestored;
  return (
    <>
      {offer && (
        <Banner
          tone="warn"
          action={
            <>
              <Button onClick={onTakeOffer}>Open it</Button>
              <Button onClick={onDropOffer}>Discard it</Button>
            </>
          }
        >
          You have saved another draft for this job elsewhere, {moment(offer.savedAt)}. Opening it throws away
          what is here.
        </Banner>
      )}
      {isOld ? (
        <Banner tone="warn" action={<Button onClick={onGoOn}>Continue with mine</Button>}>
          {isRestored ? 'Your earlier draft is restored. It' : 'Your edit'} was begun on response{' '}
          {edit.revision}; this is response {review.revision}. Compare them, then continue with your text or
          discard it.
        </Banner>
      ) : (
        isRestored && <Banner>Your earlier draft is restored.</Banner>
      )}
    </>
  );
}
