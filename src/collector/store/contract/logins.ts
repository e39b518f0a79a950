/** Who is logged in to the dashboard. Only hashes of the cookies' secrets are kept. */
export interface LoginStore {
  /** Forgets those that have expired, too. */
  add(hash: string, expiresAt: number): Promise<void>;
  /** Whether it is there and has not expired. */
  has(hash: string): Promise<boolean>;
  remove(hash: string): Promise<void>;
  /** @returns how many had not expired */
  removeAll(): Promise<number>;
}
