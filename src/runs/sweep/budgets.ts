/** What runs may have had equally much of when they are compared. */
export const BUDGETS = ['tokens', 'seconds'] as const
export type EqualBudget = (typeof BUDGETS)[number]
