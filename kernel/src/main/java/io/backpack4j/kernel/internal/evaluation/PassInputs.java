// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.evaluation;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.OperandSupplier;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The numbers that a pass works on, and who watches it. */
public final class PassInputs {

    private final Map<String, Tensor> inputs;
    private final @Nullable Tensor targets;
    private final long[] sampleIds;
    private final Function<String, Tensor> parameters;
    private final RandomKey seed;
    private final PassObserver observer;
    private final RunOperands operands;
    private final Optional<OperandSupplier> supplier;

    /**
     * Collects the numbers.
     *
     * @param inputs the model's inputs by name
     * @param targets the targets; null where no loss is evaluated
     * @param sampleIds the samples' ids
     * @param parameters parameters and buffers by full name
     * @param seed the seed of random draws
     */
    public PassInputs(
            Map<String, Tensor> inputs,
            @Nullable Tensor targets,
            long[] sampleIds,
            Function<String, Tensor> parameters,
            long seed) {
        this(
                inputs,
                targets,
                sampleIds,
                parameters,
                new RandomKey(seed, 0, 0),
                PassObserver.NONE,
                RunOperands.NONE,
                Optional.empty());
    }

    /** Takes the numbers of a batch and a model. */
    public static PassInputs of(Batch batch, Model model, long seed) {
        return new PassInputs(
                batch.inputs(),
                batch.hasTargets() ? batch.targets() : null,
                batch.sampleIds(),
                model.parameters()::get,
                seed);
    }

    private PassInputs(
            Map<String, Tensor> inputs,
            @Nullable Tensor targets,
            long[] sampleIds,
            Function<String, Tensor> parameters,
            RandomKey seed,
            PassObserver observer,
            RunOperands operands,
            Optional<OperandSupplier> supplier) {
        this.inputs = inputs;
        this.targets = targets;
        this.sampleIds = sampleIds;
        this.parameters = parameters;
        this.seed = seed;
        this.observer = observer;
        this.operands = operands;
        this.supplier = supplier;
    }

    /** The same numbers with operands of the run, and whoever makes more of them after the first stage. */
    public PassInputs withOperands(RunOperands other, Optional<OperandSupplier> otherSupplier) {
        return new PassInputs(inputs, targets, sampleIds, parameters, seed, observer, other, otherSupplier);
    }

    /** Operands that the run brings. */
    public RunOperands operands() {
        return operands;
    }

    /** Maker of more operands after the first stage. */
    public Optional<OperandSupplier> supplier() {
        return supplier;
    }

    /** The same numbers, watched by somebody. */
    public PassInputs watchedBy(PassObserver other) {
        return new PassInputs(inputs, targets, sampleIds, parameters, seed, other, operands, supplier);
    }

    /** The same numbers by handles of a scope's own, which outlive the batch's. */
    public PassInputs keptIn(TensorScope scope) {
        Map<String, Tensor> kept = new LinkedHashMap<>();
        inputs.forEach((name, tensor) -> kept.put(name, scope.view(tensor, tensor.shape())));
        return new PassInputs(
                kept,
                targets == null ? null : scope.view(targets, targets.shape()),
                sampleIds,
                parameters,
                seed,
                PassObserver.NONE,
                RunOperands.NONE,
                Optional.empty());
    }

    public PassObserver observer() {
        return observer;
    }

    /** An input of the model, {@code [N, *in]}. */
    public Tensor input(String name) {
        return Objects.requireNonNull(inputs.get(name), name);
    }

    /** The targets. */
    public Tensor targets() {
        return Objects.requireNonNull(targets, "targets");
    }

    public RandomKey seed() {
        return seed;
    }

    /** The samples' ids. */
    public long[] sampleIds() {
        return sampleIds.clone();
    }

    /** A parameter or buffer, by its full name. */
    public Tensor parameter(String name) {
        return parameters.apply(name);
    }

    public SampleIds sampleIds(long from, long to) {
        return new SampleIds(Arrays.copyOfRange(sampleIds, (int) from, (int) to));
    }

    /** @param scope gets handles on rows of parameters */
    public Map<String, Tensor> parameters(BoundNode node, TensorScope scope) {
        Map<String, Tensor> own = new LinkedHashMap<>();
        node.owners().forEach((name, owner) -> {
            Tensor all = parameters.apply(owner.parameter());
            own.put(
                    name,
                    owner.rows()
                            .map(rows -> scope.rows(all, rows.from(), rows.to()))
                            .orElse(all));
        });
        return own;
    }
}
