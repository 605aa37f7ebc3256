// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchStatistics;
import io.backpack4j.kernel.Cost;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.OperandSupplier;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.ResultTaker;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.internal.calls.BackendCalls;
import io.backpack4j.kernel.internal.cost.SpeedCache;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.linearization.NetworkProducts;
import io.backpack4j.kernel.internal.pass.ControlledRun;
import io.backpack4j.kernel.internal.pass.FiniteCheck;
import io.backpack4j.kernel.internal.pass.HandOver;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.kernel.internal.pass.PassResults;
import io.backpack4j.kernel.internal.pass.PassRun;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.MemoryAccount;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.backend.Precision;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.tensor.Shape;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A plan: a layout and a splitting that a dry run has tried. */
public final class CompiledPlan implements Plan {

    private final Backend backend;
    private final Model model;
    private final PassLayout layout;
    private final BatchSignature signature;
    private final Shape output;
    private final TrialOutcome outcome;
    private final FiniteCheck finiteCheck;
    private final PassOptions options;
    private final SpeedCache speeds;

    CompiledPlan(
            Backend backend,
            Model model,
            PassLayout layout,
            Shape output,
            BatchSignature signature,
            TrialOutcome outcome,
            PassOptions options,
            SpeedCache speeds) {
        this.options = options;
        this.speeds = speeds;
        this.backend = backend;
        this.model = model;
        this.layout = layout;
        this.output = output;
        this.signature = signature;
        this.outcome = outcome;
        this.finiteCheck = new FiniteCheck(options.nanPolicy(), backend, layout);
    }

    @Override
    public Results run(Batch batch, RunOptions options) {
        requireTaker(options);
        PassInputs inputs = inputs(batch, options.seed(), options.operands(), options.supplier());
        PassInputs controlled = inputs.watchedBy(new ControlledRun(options));
        CheckedTaker taker =
                new CheckedTaker(options.taker().orElse(HandOver.NOBODY), finiteCheck, this::requirePlanned);
        options.into().ifPresent(previous -> giveBack(previous, options.operands()));
        return failingByName(() -> {
            try {
                return checked(pass(controlled, taker), inputs);
            } catch (RuntimeException e) {
                RuntimeException cause = taker.causeOf(e);
                throw cause instanceof FiniteCheck.FoundInPart found
                        ? finiteCheck.failure(found, inputs, this::rerun)
                        : cause;
            }
        });
    }

    /** Closes results of another run, so that the next tensors of their sizes take their memory. */
    private void giveBack(Results previous, RunOperands operands) {
        GivenBack given = new GivenBack(previous);
        given.requireOpen();
        given.requireOn(backend);
        given.requireNoneOf(operands);
        PassResults own = given.results();
        own.tensors().forEach((name, tensor) -> {
            ResultType type = new ResultType(tensor.dtype(), tensor.shape());
            if (!isPlanned(own, name, type)) {
                throw given.differs(name, type, results().get(name));
            }
        });
        missing(own).ifPresent(name -> {
            throw given.lacks(name);
        });
        own.close();
    }

    private void requireTaker(RunOptions options) {
        boolean needed = !outcome.outcome().handedOver().isEmpty();
        if (needed && options.taker().isEmpty()) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The plan hands results over part by part, among them '%s', but nobody takes them. Name a taker with RunOptions.taker, or plan without PassOptions.handingOver."
                            .formatted(outcome.outcome().handedOver().iterator().next()));
        }
    }

    /**
     * Runs the pass with the factor 1 of the loss, and leaves its partial results as they are. The caller closes them.
     */
    public PassPartials partials(Batch batch, long seed, RunOperands operands) {
        PassInputs inputs = inputs(batch, seed, operands, Optional.empty());
        PassInputs controlled = inputs.watchedBy(new ControlledRun(RunOptions.seed(seed)));
        return failingByName(() -> {
            PassPartials partials =
                    PassRun.partials(layout, outcome.splitting(), backend, controlled, NetworkProducts.FACTORY);
            boolean done = false;
            try {
                finiteCheck.require(partials.tensors(), inputs, partials::close, this::rerun);
                done = true;
                return partials;
            } finally {
                if (!done) {
                    partials.close();
                }
            }
        });
    }

    private PassInputs inputs(Batch batch, long seed, RunOperands operands, Optional<OperandSupplier> supplier) {
        require(batch);
        layout.operands().require(operands, backend, supplier.isPresent());
        if (!operands.tensors().isEmpty()) {
            BackendCalls.run(backend, "The check of operands", () -> finiteCheck.requireOperands(operands));
        }
        return PassInputs.of(batch, model, seed).withOperands(operands, supplier);
    }

    /** Requires a batch like the planned one. */
    private void require(Batch batch) {
        BatchSignature actual = BatchSignature.of(batch);
        if (!actual.equals(signature)) {
            throw new BackpackException(
                    KernelProblems.WRONG_BATCH,
                    "The plan is for batches of inputs %s and targets %s, but was given inputs %s and targets %s. Make another plan."
                            .formatted(signature.inputs(), signature.targets(), actual.inputs(), actual.targets()));
        }
        TargetChecks.require(model.loss(), output, batch);
    }

    @Override
    public Cost cost(Batch batch) {
        require(batch);
        PassRehearsal rehearsal = new PassRehearsal(layout, options.nanPolicy());
        PlanTrial trial = new PlanTrial(backend, layout.splitsSamples(), layout.graph(), model, batch, rehearsal);
        return BackendCalls.call(
                backend,
                "The estimate of costs",
                () -> new CostEstimate(layout, finiteCheck, trial, rehearsal, speeds.of(backend, layout.dtype()))
                        .of(outcome, options.memoryBytes().isPresent() && trial.isMeasured()));
    }

    /** Opens an account of the pass's memory, which is counted only if there is a budget. */
    private @Nullable MemoryAccount account() {
        return options.memoryBytes().isPresent()
                ? backend.openAccount(peakBytes(), options.memoryBytes().getAsLong())
                        .orElse(null)
                : null;
    }

    private <T> T failingByName(Supplier<T> pass) {
        try (MemoryAccount account = account()) {
            return BackendCalls.call(backend, "The pass", pass);
        } catch (BackpackException e) {
            boolean memory =
                    e.problems().stream().anyMatch(problem -> problem.id().equals(CommonProblems.OUT_OF_MEMORY));
            throw memory ? outOfMemory(e.problems().get(0).message(), e) : e;
        }
    }

    private PassResults pass(PassInputs inputs, ResultTaker taker) {
        return PassRun.run(layout, outcome.splitting(), backend, inputs, NetworkProducts.FACTORY, taker);
    }

    private PassResults rerun(PassInputs inputs) {
        return pass(inputs, (name, whole, origin, part) -> {});
    }

    private PassResults checked(PassResults results, PassInputs inputs) {
        boolean done = false;
        try {
            requirePlanned(results);
            finiteCheck.require(results.tensors(), inputs, results::close, this::rerun);
            if (options.memoryBytes().isPresent()) {
                results.settle();
            }
            results.updateBuffers(model.parameters()::get);
            done = true;
            return results;
        } finally {
            if (!done) {
                results.close();
            }
        }
    }

    private void requirePlanned(PassResults results) {
        results.tensors().forEach((name, tensor) -> {
            ResultType type = new ResultType(tensor.dtype(), tensor.shape());
            if (!isPlanned(results, name, type)) {
                requirePlanned(name, type);
            }
        });
        missing(results).ifPresent(name -> {
            throw wrongResult(name, "is missing", "it");
        });
    }

    /** A planned result that is not there, nor was handed over. */
    private Optional<String> missing(PassResults results) {
        if (results.tensors().size() == results().size()) {
            return Optional.empty(); // All that are there were planned.
        }
        return results().keySet().stream()
                .filter(name -> !results.tensors().containsKey(name)
                        && !outcome.outcome().handedOver().contains(name))
                .findFirst();
    }

    private boolean isPlanned(PassResults results, String name, ResultType type) {
        return type.equals(results().get(name)) || (results.isVariable(name) && isPartOfPlanned(name, type));
    }

    /** Whether a result is as planned, or smaller. */
    private boolean isPartOfPlanned(String name, ResultType type) {
        ResultType planned = results().get(name);
        if (planned == null || planned.dtype() != type.dtype()) {
            return false;
        }
        Shape shape = type.shape();
        Shape most = planned.shape();
        return shape.rank() == most.rank()
                && IntStream.range(0, shape.rank()).allMatch(axis -> shape.size(axis) <= most.size(axis));
    }

    private void requirePlanned(String name, ResultType type) {
        ResultType expected = results().get(name);
        if (!type.equals(expected)) {
            throw wrongResult(
                    name,
                    "has shape %s and type %s".formatted(type.shape(), type.dtype()),
                    expected == null
                            ? "nothing"
                            : "shape %s and type %s".formatted(expected.shape(), expected.dtype()));
        }
    }

    private BackpackException wrongResult(String name, String what, String expected) {
        String maker = layout.maker(name)
                .map(part -> "%s, %s".formatted(part.who(), part.location()))
                .orElse("the plugin that provides it");
        return new BackpackException(
                KernelProblems.PLUGIN_FAILURE,
                "Result '%s' %s, but %s was planned. This is an error of %s.".formatted(name, what, expected, maker));
    }

    private BackpackException outOfMemory(String what, Throwable cause) {
        MemoryStatistics memory = backend.memory();
        return new BackpackException(
                CommonProblems.OUT_OF_MEMORY,
                "%s The pass was planned to take %,d bytes, %d of %d samples at a time; the backend holds %,d bytes, %,d of them in use by what stays. PassOptions.memory, --memory on the command line, makes a plan that takes less."
                        .formatted(
                                what,
                                peakBytes(),
                                Math.min(chunkSamples(), layout.samples()),
                                layout.samples(),
                                memory.pooledBytes(),
                                memory.usedBytes()),
                cause);
    }

    @Override
    public long steps() {
        return outcome.outcome().steps();
    }

    @Override
    public long chunkSamples() {
        return outcome.splitting().chunkSamples();
    }

    @Override
    public long blockColumns() {
        return outcome.splitting().blockColumns();
    }

    @Override
    public long peakBytes() {
        return outcome.peakBytes();
    }

    @Override
    public Map<String, ResultType> results() {
        return outcome.outcome().results();
    }

    @Override
    public Map<String, Shape> products() {
        return outcome.outcome().products();
    }

    @Override
    public BatchStatistics statistics() {
        return layout.statistics();
    }

    @Override
    public SortedMap<String, Long> unitProducts() {
        return Collections.unmodifiableSortedMap(outcome.outcome().unitProducts());
    }

    @Override
    public SortedMap<String, Meetings> meetings() {
        return Collections.unmodifiableSortedMap(outcome.outcome().meetings());
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("Plan for %d samples, %d at a time, of signals %s; at most %,d bytes"
                .formatted(
                        layout.samples(),
                        Math.min(chunkSamples(), layout.samples()),
                        String.join(", ", signals()),
                        peakBytes()));
        String sampled = layout.distinctSignals().stream()
                .filter(signal -> layout.precision(signal) != Precision.FULL)
                .map(Signal::name)
                .collect(Collectors.joining(", "));
        if (!sampled.isEmpty()) {
            text.append("; products of %s in precision %s".formatted(sampled, options.precision()));
        }
        long all = unitProducts().values().stream().mapToLong(Long::longValue).sum();
        if (all > 0) {
            text.append("; %,d products with unit vectors (".formatted(all))
                    .append(unitProducts().entrySet().stream()
                            .map(own -> "%s: %,d".formatted(own.getKey(), own.getValue()))
                            .collect(Collectors.joining(", ")))
                    .append("), each a walk forward and back");
        }
        meetings()
                .forEach((signal, own) -> text.append("; the columns of %s meet in %,d blocks, %s: %,d walks back"
                        .formatted(
                                signal,
                                own.blocks(),
                                own.keptBlocks() == 0
                                        ? "every two of which walk together"
                                        : "%,d of which are kept while others pass".formatted(own.keptBlocks()),
                                own.walks())));
        return text.toString();
    }

    @Override
    public List<String> signals() {
        return layout.distinctSignals().stream().map(Signal::name).toList();
    }
}
