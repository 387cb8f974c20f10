/** Whether a text is the id of a message at Twilio: SM (text) or MM (with media) and 32 hexadecimal digits. */
export function isTwilioSid(text: string | null): text is string {
  return text !== null && /^(SM|MM)[0-9a-f]{32}$/i.test(text);
}
