// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.internal.dryrun.DryRunBackend;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.MemoryAccount;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;

/** Runs what is planned without numbers: every shape is checked, every allocation counted. */
final class PlanTrial implements SplittingSearch.Trial {

    private static final long ANY_BYTES = 1L << 60;

    /** All products are rehearsed if that many times the tensors of the pass takes no more. */
    private static final long ALL_PRODUCTS_BYTES = 64L << 20;

    private final Backend backend;
    private final boolean splitsSamples;
    private final BoundGraph graph;
    private final Model model;
    private final Batch batch;
    private final Rehearsal rehearsal;

    PlanTrial(Backend backend, boolean splitsSamples, BoundGraph graph, Model model, Batch batch, Rehearsal rehearsal) {
        this.rehearsal = rehearsal;
        this.backend = backend;
        this.splitsSamples = splitsSamples;
        this.graph = graph;
        this.model = model;
        this.batch = batch;
    }

    @Override
    public long samples() {
        return batch.samples();
    }

    @Override
    public boolean splitsSamples() {
        return splitsSamples;
    }

    @Override
    public long capacityBytes() {
        return backend.capacityBytes();
    }

    @Override
    public boolean keepsBlocks() {
        return rehearsal.keepsBlocks();
    }

    @Override
    public TrialOutcome run(Splitting splitting) {
        try (DryRunBackend dry = new DryRunBackend(backend.id());
                TensorScope given = dry.openScope()) {
            PassInputs inputs = imitated(given).withOperands(rehearsal.operands(dry, given), Optional.empty());
            long before = dry.memory().usedBytes();
            dry.resetPeak();
            Rehearsal.Outcome outcome = rehearsal.run(dry, inputs, splitting, product -> true, () -> {});
            return new TrialOutcome(splitting, dry.memory().peakBytes() - before, outcome);
        }
    }

    /** Stands in for the batch and the model, without numbers. */
    PassInputs imitated(TensorScope given) {
        Map<String, Tensor> inputs = new HashMap<>();
        batch.inputs().forEach((name, tensor) -> inputs.put(name, given.allocate(tensor.shape(), tensor.dtype())));
        Tensor targets = batch.hasTargets()
                ? given.allocate(batch.targets().shape(), batch.targets().dtype())
                : null;
        Map<String, Tensor> parameters = new HashMap<>();
        graph.parameters()
                .forEach((name, spec) -> parameters.put(name, given.allocate(spec.shape(), spec.dtype(model.dtype()))));
        return new PassInputs(inputs, targets, batch.sampleIds(), parameters::get, 0);
    }

    @Override
    public Optional<SplittingSearch.Measured> measure(TrialOutcome tried, long budget) {
        // What is drawn at its first use takes memory that is not the pass's.
        model.parameters().names().forEach(model.parameters()::get);
        long planned = Math.min(tried.peakBytes(), budget);
        try (TensorScope given = backend.openScope()) {
            PassInputs inputs =
                    PassInputs.of(batch, model, 0).withOperands(rehearsal.operands(backend, given), Optional.empty());
            return measure(tried, inputs, planned, budget);
        }
    }

    private Optional<SplittingSearch.Measured> measure(
            TrialOutcome tried, PassInputs inputs, long planned, long budget) {
        try (MemoryAccount account = backend.openAccount(planned, budget).orElseThrow()) {
            AtomicLong whenMade = new AtomicLong();
            rehearsal.run(
                    backend,
                    inputs,
                    tried.splitting().ofSomeParts(),
                    products(tried),
                    () -> whenMade.set(account.usedBytes()));
            return Optional.of(new SplittingSearch.Measured(account.peakBytes(), whenMade.get()));
        } catch (BackpackException e) {
            if (e.problems().stream().anyMatch(problem -> problem.id().equals(CommonProblems.OUT_OF_MEMORY))) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /**
     * All products of a small network; of a large one the heaviest by its tensors stands for all, since each takes a
     * walk forward and back per vector.
     */
    private static Predicate<String> products(TrialOutcome tried) {
        int count = tried.outcome().products().size();
        String heaviest = tried.outcome().heaviestProduct().orElse("");
        return count * tried.peakBytes() <= ALL_PRODUCTS_BYTES ? product -> true : heaviest::equals;
    }

    @Override
    public void giveBack() {
        backend.openAccount(0, 0).ifPresent(MemoryAccount::close);
    }

    @Override
    public boolean isMeasured() {
        Optional<MemoryAccount> account = backend.openAccount(ANY_BYTES, ANY_BYTES);
        account.ifPresent(MemoryAccount::close);
        return account.isPresent();
    }
}
