/** The endpoint and every text, by the attribute that changes it. */
export const DEFAULTS = {
  endpoint: '/phospho/flag',
  label: 'Was this answer helpful?',
  'label-up': 'Good answer',
  'label-down': 'Bad answer',
  'label-comment': 'Tell us more (optional)',
  'label-send': 'Send',
  'label-close': 'Close',
  'label-retry': 'Try again',
  'text-sending': 'Sending…',
  'text-sent': 'Saved',
  'text-thanks': 'Thank you!',
  'text-waiting': 'Offline: will be sent later',
  'text-failed': 'Could not be sent',
};
