// Extensions by their numbers. Pure.

export function makeReach({ organizations, users }) {
  const extensions = users.flatMap((user) => user.extensions.map((one) => ({ ...one, user })));
  const byNumber = new Map(extensions.map((one) => [one.number, one]));

  return {
    organizations, users, extensions,
    phones: extensions.filter((one) => one.type === "Phone Terminal"),
    find: (number) => byNumber.get(number) ?? null,
    // An answer may write a number short: it is one of the organization of its user then.
    of(number, userId) {
      if (byNumber.has(number)) return byNumber.get(number);
      const organization = users.find((user) => user.id === userId)?.organization;
      return byNumber.get(`${organization}*${number}`) ?? null;
    },
  };
}
