import Refusal from '../../infra/refusal.cjs';

type Service = {
  getAllFunctions(): string[];
  getFunction(key: string): { name: string };
};

/** https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
const LONGEST = 64;

/**
 * Lambda would refuse a longer name only after half of the stack is made.
 *
 * @throws Refusal that says how long the stage's name may be
 */
export function checkNames(service: Service, stage: string): void {
  const names = service.getAllFunctions().map((key) => service.getFunction(key).name);
  const [longest = ''] = names.toSorted((a, b) => b.length - a.length);
  const over = longest.length - LONGEST;
  if (over <= 0) return;
  throw new Refusal(
    `The function's name "${longest}" has ${longest.length} characters, and Lambda takes ${LONGEST}. ` +
      `Choose a stage whose name has ${stage.length - over} characters at most.`,
  );
}
