"""Every path that a GPU takes through the library, held against the CPU.

Float32 differs between devices by the order of its sums, some 1e-6 of a value. What is computed once from the same
input stays that close. A search or a training may take another turn at any rounding: of those the first steps are
compared, and in the end shares and means. A tolerance without a comment is 10 to 100 times what another library for the
convolutions (oneDNN off) changes on a CPU.
"""

from collections.abc import Iterator

import torch

from comparing import CPU, Agreement, Bench, Values, different, largest, mean, number, path
from spurious.attacks import evolution
from spurious.attacks.closed_form import fast_gradient_sign, smallest_steps
from spurious.attacks.confidence import raise_confidence
from spurious.attacks.entries import GradientAttack
from spurious.attacks.gradient import fool
from spurious.attacks.optimization import run_searches
from spurious.attacks.persistent import Wanted, persist
from spurious.attacks.settings import ImageOptimization, PersistentAttack
from spurious.attacks.targets import random_targets
from spurious.classifiers.linear import LinearTrainer
from spurious.classifiers.predictions import accuracy, predict
from spurious.classifiers.scikit_learn import scores_of
from spurious.perturbations.balls import sizes
from spurious.perturbations.noise_images import NOISE
from spurious.seeding import generator
from subjects import CLASSES, LINEAR, RECIPE, cnn, digits, softmax_regression, split, tested, trainer


@path("auto", "float32", unit="images/s")
def training(bench: Bench) -> Iterator[Agreement]:
    """The CNN trained from the same start on the same batches ("auto": bfloat16 on a GPU, float32 on the CPU).

    Compared are the loss of the first step and the accuracy in the end; and the weights of a training on the GPU with
    those of one that was interrupted there, which are promised to be equal.
    """

    def train(device: torch.device, interrupted: bool = False) -> Values:
        own = trainer(bench.size, device, bench.precision)
        loss = next(own.run(rows=own.total)).loss  # a row for each step
        if interrupted:
            next(own.run(rows=2))
            state, own = own.state(), trainer(bench.size, device, bench.precision)
            own.restore(state)
        list(own.run(rows=1))
        weights = torch.cat([weight.flatten() for weight in own.parameters.values()])
        share = accuracy(predict(own.model, digits().pixels("test")), digits().labels["test"])
        return {"loss": torch.tensor(loss), "accuracy": torch.tensor(share), "weights": weights}

    cpu, gpu = bench.both(train, work=trainer(bench.size, CPU, "float32").total * RECIPE.batch_size)
    # bfloat16 keeps 8 bits, which is .4 % of each logit; of the mean loss of a batch it changes 2e-5 on a CPU
    yield number("loss of the first step", cpu["loss"], gpu["loss"], 1e-3 if bench.precision == "auto" else 1e-5)
    # rounding acts as another seed: those of four seeds lie within .0075, bfloat16 changes up to .0025
    yield number("accuracy", cpu["accuracy"], gpu["accuracy"], 0.015)
    resumed = train(bench.device, interrupted=True)["weights"].detach().cpu()
    yield different("weights after an interruption", gpu["weights"], resumed, 0.0)  # promised


@path("float32", unit="images/s")
def prediction(bench: Bench) -> Iterator[Agreement]:
    """The probabilities that the same weights give to the test images, ten times over, and the labels."""
    images = tested(bench.size)[0].repeat(10, 1, 1, 1)
    cpu, gpu = bench.both(lambda device: {"p": predict(cnn(bench.size, device), images)}, work=len(images))
    yield largest("probabilities", cpu["p"], gpu["p"], 2e-5)  # weights rounded as TF32 does move them by 2e-4
    yield different("labels", cpu["p"].argmax(1), gpu["p"].argmax(1), 0.0)  # no image has two so close to each other


@path("float32", unit="steps of an image/s")
def image_optimization(bench: Bench) -> Iterator[Agreement]:
    """Noise optimized towards a label by the write-up's cost and by log p, without an early end.

    Compared are p of the first steps, and of the end its mean and the share above .999.
    """
    label, count = 3, min(bench.size.images, 64)
    settings = {"max_steps": bench.size.steps, "stop_min_p": None}
    searches = {"cost": ImageOptimization(**settings), "log_p": ImageOptimization(objective="log_p", **settings)}

    def optimize(device: torch.device) -> Values:
        found = run_searches(cnn(bench.size, device), label, digits().of_label(label), searches, images=count, seed=0)
        return {name: result.trace for name, result in found.items()}

    cpu, gpu = bench.both(optimize, work=len(searches) * bench.size.steps * count)
    for name in searches:
        # Adam's first step is as large for the smallest gradient as for the largest: rounding may turn its sign
        yield largest(f"{name}: p of the first steps", cpu[name][:4], gpu[name][:4], 1e-3)
        yield mean(f"{name}: p in the end", cpu[name][-1], gpu[name][-1], 0.01)
        yield mean(f"{name}: above .999", cpu[name][-1] > 0.999, gpu[name][-1] > 0.999, 0.05)  # 3 of 64 images


@path("float32", unit="steps of an image/s")
def inner_attack(bench: Bench) -> Iterator[Agreement]:
    """Noise moved to where the CNN is most confident, as ACET trains on it, and the search that does not give up."""
    images = tested(bench.size)[0]
    start = NOISE["mixture"](images, generator("gpu", "noise"))
    settings = PersistentAttack(images=1, steps=bench.size.steps, restarts=1, max_queries=0)
    wanted = Wanted(labels=torch.arange(CLASSES), others=images[:CLASSES], averages=images[:CLASSES])

    def run(device: torch.device) -> Values:
        model = cnn(bench.size, device)
        moved = raise_confidence(model, start.to(device), CLASSES, epsilon=0.3, steps=bench.size.steps)
        found = persist(model, wanted, settings, above=0.999, seed=0)
        beyond = ((moved.cpu() - start).abs().max() - 0.3).clamp(min=0)
        return {"p": predict(model, moved), "beyond": beyond, "found": found.p}

    cpu, gpu = bench.both(run, work=len(images) * bench.size.steps)
    yield number("change beyond epsilon", cpu["beyond"], gpu["beyond"], 1e-6)  # rounding
    yield mean("largest p", cpu["p"].amax(1), gpu["p"].amax(1), 0.01)
    yield mean("found", cpu["found"] > 0.999, gpu["found"] > 0.999, 0.1)  # one of ten images


def fooling(bench: Bench, methods: dict[str, GradientAttack]) -> Iterator[Agreement]:
    """Every method on the test images: whether it keeps to epsilon, and what the classifier says afterwards.

    Not the pixels: where two pixels of a pool are equal, as in an empty corner, rounding decides which is moved.
    """
    images, labels = tested(bench.size)
    ids = list(range(len(images)))
    targets = random_targets(labels, CLASSES, ids, 0)

    def run(device: torch.device) -> Values:
        values = {}
        for name, method in methods.items():
            own = targets if method.goal == "targeted" else None
            found = fool(cnn(bench.size, device), images, labels, method, targets=own, ids=ids, seed=0)
            beyond = (sizes(found, images)[method.norm].max() - method.epsilon).clamp(min=0)
            values |= {f"{name}: beyond": beyond, f"{name}: p": predict(cnn(bench.size, device), found)}
        return values

    cpu, gpu = bench.both(run, work=len(images) * sum(method.steps for method in methods.values()))
    for name in methods:
        beyond, p = f"{name}: beyond", f"{name}: p"
        yield number(f"{name}: change beyond epsilon", cpu[beyond], gpu[beyond], 1e-6)  # rounding
        yield different(f"{name}: labels", cpu[p].argmax(1), gpu[p].argmax(1), 0.02)
        yield mean(f"{name}: largest p", cpu[p].amax(1), gpu[p].amax(1), 0.01)


@path("float32", unit="steps of an image/s")
def fooling_linf(bench: Bench) -> Iterator[Agreement]:
    """Fast gradient sign and projected gradient descent in L-infinity; see `fooling`."""
    descent = GradientAttack(epsilon=0.1, steps=20, goal="targeted", random_start=True)
    yield from fooling(bench, {"one step": GradientAttack(epsilon=0.1), "descent": descent})


@path("float32", unit="steps of an image/s")
def fooling_l2(bench: Bench) -> Iterator[Agreement]:
    """One step along the gradient and projected gradient descent in L2; see `fooling`."""
    descent = GradientAttack(epsilon=1.0, norm="l2", steps=20, goal="targeted", random_start=True)
    yield from fooling(bench, {"one step": GradientAttack(epsilon=1.0, norm="l2"), "descent": descent})


@path("float32", unit="images/s")
def linear_training(bench: Bench) -> Iterator[Agreement]:
    """Softmax regressions with three weight decays: the weights in the end and the accuracies on the test images.

    The loss is convex, so that rounding is not amplified.
    """
    settings = LINEAR.changed(epochs=bench.size.epochs)

    def run(device: torch.device) -> Values:
        own = LinearTrainer(split("train"), settings, CLASSES, seed=0, device=device)
        last = list(own.run(validation=split("test"), rows=1))[-1]
        weight, bias = own.weights()
        return {"weights": weight, "biases": bias, "accuracies": torch.tensor(last.validation_accuracies)}

    total = LinearTrainer(split("train"), settings, CLASSES, seed=0).total
    cpu, gpu = bench.both(run, work=total * settings.batch_size)
    yield largest("weights", cpu["weights"], gpu["weights"], 1e-4)
    yield largest("biases", cpu["biases"], gpu["biases"], 1e-4)
    yield largest("accuracies", cpu["accuracies"], gpu["accuracies"], 0.0026)  # one of 400 images


@path("float32", unit="images/s")
def smallest_linear_steps(bench: Bench) -> Iterator[Agreement]:
    """The smallest steps over a softmax regression's borders, and its decisions after the fast gradient sign step.

    The steps are computed in float64 and stored in float32, so that they differ by its last digit.
    """
    images, labels = tested(bench.size)

    def run(device: torch.device) -> Values:
        own = [tensor.to(device) for tensor in (*softmax_regression(), images.flatten(1))]
        steps = smallest_steps(*own)
        decision, p = fast_gradient_sign(*own, labels.to(device), 0.1)
        return {name: getattr(steps, name) for name in ("l2", "linf", "linf_smallest")} | {"fgsm": decision, "p": p}

    cpu, gpu = bench.both(run, work=len(images))
    for name in ("l2", "linf", "linf_smallest"):  # nan at the decision
        yield largest(f"{name}, over the CPU's", torch.ones(1), (gpu[name] / cpu[name]).nan_to_num(1.0), 1e-5)
    yield different("decisions after fast gradient sign", cpu["fgsm"], gpu["fgsm"], 0.0)
    yield largest("their probabilities", cpu["p"], gpu["p"], 2e-5)


@path("float32", unit="queries/s")
def evolution_search(bench: Bench) -> Iterator[Agreement]:
    """Evolution towards other classes within .25 of test images, by the network's scores; its draws are the CPU's.

    Compared are the scores of the starting images, and how many searches reach their goal with how many queries.
    """
    images, labels = (tensor[:50] for tensor in tested(bench.size))
    ids = list(range(len(images)))
    goal = evolution.Goal(classes=random_targets(labels, CLASSES, ids, 0))
    budget = evolution.Budget(population=20, max_queries=bench.size.queries, mutation_rate=0.03)

    def run(device: torch.device) -> Values:
        scores = scores_of(cnn(bench.size, device))
        found = evolution.evolve(scores, evolution.ball(images, 0.25), goal, ids, budget, seed=0)
        return {"scores": scores(images), "reached": found.reached, "queries": found.queries}

    cpu, gpu = bench.both(run, work=lambda found: int(found["queries"].sum()))
    yield largest("scores of the starting images", cpu["scores"], gpu["scores"], 2e-5)
    # two candidates of nearly equal scores may change places, from where on a search is another one
    yield mean("searches that reach their goal", cpu["reached"], gpu["reached"], 0.1)
    yield mean("queries", cpu["queries"], gpu["queries"], 0.1 * bench.size.queries)
