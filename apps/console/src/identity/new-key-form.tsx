import { useMutation } from '@tanstack/react-query';
import { useState, type SubmitEvent } from 'react';
import { api, dataOf, type NewApiKey } from '../api/client';
import { messageOf } from '../api/problem';
import { UNIONS } from '../api/unions';
import { Button } from '../ui/button';

const ROLES = UNIONS.Role;

/** Makes a key. */
export function NewKeyForm({ onCreated }: { onCreated: (key: NewApiKey) => Promise<void> }) {
  const [owner, setOwner] = useState('');
  const [role, setRole] = useState<(typeof ROLES)[number]>('reviewer');
  const [project, setProject] = useState('default');
  const [days, setDays] = useState('');
  const create = useMutation({
    mutationFn: () =>
      dataOf(
        api.POST('/v1/keys', {
          body: { owner, role, project, expires_in_days: days === '' ? null : Number(days) },
        }),
      ),
    onSuccess: async (key) => {
      setOwner('');
      await onCreated(key);
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form className="flex flex-wrap items-end gap-3" onSubmit={submit}>
      <label className="flex flex-col gap-1">
        Owner
        <input className="field" required value={owner} onChange={({ target }) => setOwner(target.value)} />
      </label>
      <label className="flex flex-col gap-1">
        Role
        <select
          className="field"
          value={role}
          onChange={({ target }) => setRole(ROLES.find((each) => each === target.value) ?? 'reviewer')}
        >
          {ROLES.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </label>
      <label className="flex flex-col gap-1">
        Project
        <input
          className="field"
          required
          value={project}
          onChange={({ target }) => setProject(target.value)}
        />
      </label>
      <label className="flex flex-col gap-1">
        Days until it expires (empty: never)
        <input
          className="field"
          type="number"
          min={1}
          max={3650}
          value={days}
          onChange={({ target }) => setDays(target.value)}
        />
      </label>
      <Button type="submit" disabled={create.isPending}>
        Create
      </Button>
      {create.error && (
        <p role="alert" className="w-full text-bad">
          {messageOf(create.error)}
        </p>
      )}
    </form>
  );
}
