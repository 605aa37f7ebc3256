// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Everything that some batches accumulated. Owns its tensors. */
final class Accumulation implements AutoCloseable {

    private static final String LOSS = "loss_batch";
    private static final String OUTPUT = "output";

    private final Backend backend;
    private final DType dtype;
    private final Loss loss;
    private final List<Slot> slots;
    private final boolean losses;
    private final boolean outputs;
    private final TensorScope scope;
    private final KnownSamples samples;
    private final Map<String, Merged> merged = new LinkedHashMap<>();
    private final KeptOperands operands;
    private LossFactors factors;
    private LossTotal total = new LossTotal();
    private boolean halfway;

    Accumulation(Backend backend, Model model, List<Slot> slots, SessionOptions options) {
        this.backend = backend;
        this.dtype = model.dtype();
        this.loss = model.loss();
        this.slots = slots;
        this.losses = options.perSample() == PerSample.KEEP;
        this.outputs = losses && options.outputs();
        this.samples = KnownSamples.none(options);
        this.factors = new LossFactors(loss);
        this.scope = backend.openScope();
        this.operands = new KeptOperands(backend, scope);
    }

    /** Operands that all runs brought. */
    KeptOperands operands() {
        return operands;
    }

    boolean isEmpty() {
        return factors.batches() == 0;
    }

    /** Whether something was added, and not all of it: then memory ran out. */
    boolean isHalfway() {
        return halfway;
    }

    KnownSamples samples() {
        return samples;
    }

    LossFactors factors() {
        return factors;
    }

    /** What was merged of a slot, once there is a batch. */
    Optional<Merged> merged(Slot slot) {
        return Optional.ofNullable(merged.get(slot.name()));
    }

    /** The sum of the unreduced losses. */
    double lossTotal() {
        return lossPerSample().map(MergedSamples::total).orElseGet(total::value);
    }

    /** The unreduced losses, if they are kept. */
    Optional<MergedSamples> lossPerSample() {
        return Optional.ofNullable((MergedSamples) merged.get(LOSS));
    }

    /** The network's outputs, if they are kept. */
    Optional<MergedSamples> outputs() {
        return Optional.ofNullable((MergedSamples) merged.get(OUTPUT));
    }

    /** Adds a batch. What does not fit is reported before anything is added. */
    void add(PassPartials pass, RunOperands given, long... sampleIds) {
        Map<Slot, PassPartials.Value> values = new LinkedHashMap<>();
        Problems problems = new Problems();
        for (Slot slot : slots) {
            PassPartials.Value value = slot.in(pass);
            values.put(slot, value);
            requireShape(slot.name(), axis(slot), value.tensors().get(0).shape(), problems);
        }
        if (outputs) {
            requireShape(OUTPUT, 0, pass.output().shape(), problems);
        }
        problems.throwIfAny();
        halfway = true;
        if (isEmpty()) {
            operands.keep(given);
        }
        values.forEach((slot, value) -> {
            Merged present = merged.get(slot.name());
            if (present == null) {
                merged.put(slot.name(), first(slot, value));
            } else {
                present.add(value);
            }
        });
        if (losses) {
            addSamples(LOSS, pass.lossPerSample());
        } else {
            total.add(pass.lossPerSample());
        }
        if (outputs) {
            addSamples(OUTPUT, pass.output());
        }
        factors.add(pass.normaliser());
        samples.addAll(sampleIds);
        halfway = false;
    }

    private void addSamples(String name, Tensor tensor) {
        Merged present = merged.get(name);
        if (present == null) {
            merged.put(name, MergedSamples.of(backend, 0, tensor));
        } else {
            present.add(Merged.single(tensor));
        }
    }

    private Merged first(Slot slot, PassPartials.Value value) {
        Tensor tensor = value.tensors().get(0);
        return switch (slot.rule()) {
            case SUM -> tensor.dtype() == DType.INT64 ? MergedCounts.of(tensor) : MergedSum.of(backend, scope, tensor);
            case MOMENTS -> MergedMoments.of(backend, scope, value);
            case MAX -> MergedMaximum.of(backend, scope, tensor);
            case PER_SAMPLE, PER_COLUMN_AND_SAMPLE -> MergedSamples.of(backend, slot.sampleAxis(), tensor);
            case NOT_MERGEABLE -> throw new IllegalStateException(slot.name());
        };
    }

    /** The axis of samples, -1 for none. */
    private static int axis(Slot slot) {
        return slot.rule().isPerSample() ? slot.sampleAxis() : -1;
    }

    private void requireShape(String name, int axis, Shape shape, Problems problems) {
        Merged present = merged.get(name);
        Shape compared = axis < 0 ? shape : shape.with(axis, 0);
        if (present != null && !present.shape().equals(compared)) {
            problems.add(
                    CommonProblems.SHAPE_MISMATCH,
                    "'%s' has shape %s for these samples, but %s so far (0 standing for the number of samples). Open another session for them."
                            .formatted(name, compared, present.shape()));
        }
    }

    /** Adds what another one holds, for the same slots. Shapes are checked before anything is added. */
    void add(Accumulation other) {
        Problems problems = new Problems();
        other.merged.forEach((name, added) -> requireShape(name, -1, added.shape(), problems));
        problems.throwIfAny();
        halfway = true;
        other.merged.forEach(
                (name, added) -> Objects.requireNonNull(merged.get(name)).add(added));
        total.add(other.total);
        factors.addAll(other.factors);
        samples.addAll(other.samples);
        halfway = false;
    }

    /**
     * Takes a state over as it is, into an accumulation that is empty.
     *
     * @param known the state's samples
     */
    void restore(SessionState state, KnownSamples known) {
        Problems problems = new Problems();
        problems.collect(() -> factors = LossFactors.of(state, loss));
        problems.throwIfAny();
        long count = known.count();
        if (isEmpty() != (count == 0)) {
            throw invalid("has %d samples in %d batches".formatted(count, factors.batches()));
        }
        if (isEmpty()) {
            return;
        }
        for (Slot slot : slots) {
            problems.collect(() -> merged.put(slot.name(), read(slot, new StateReader(state, slot.name()), count)));
        }
        problems.collect(() -> operands.restore(state));
        problems.collect(() -> {
            if (losses) {
                restoreSamples(LOSS, state, count);
            } else {
                total = LossTotal.of(state);
            }
        });
        if (outputs) {
            problems.collect(() -> restoreSamples(OUTPUT, state, count));
        }
        problems.throwIfAny();
        samples.addAll(known);
    }

    private void restoreSamples(String name, SessionState state, long count) {
        StateReader reader = new StateReader(state, name);
        Shape shape = reader.numbers("samples").shape();
        if (shape.rank() == 0 || shape.size(0) != count || (name.equals(LOSS) && shape.rank() != 1)) {
            throw invalid(
                    "has '%s' of shape %s for %d samples".formatted(StateReader.name(name, "samples"), shape, count));
        }
        reader.requireType(dtype);
        merged.put(name, MergedSamples.of(backend, 0, reader));
    }

    private Merged read(Slot slot, StateReader state, long count) {
        DType type = slot.type(dtype);
        state.requireType(type);
        Merged read = switch (slot.rule()) {
            case SUM -> type == DType.INT64 ? MergedCounts.of(state) : MergedSum.of(backend, scope, state);
            case MOMENTS -> MergedMoments.of(backend, scope, state);
            case MAX -> MergedMaximum.of(backend, scope, state);
            case PER_SAMPLE, PER_COLUMN_AND_SAMPLE -> MergedSamples.of(backend, slot.sampleAxis(), state);
            case NOT_MERGEABLE -> throw new IllegalStateException(slot.name());
        };
        for (String suffix : read.state().keySet()) {
            Shape shape = state.numbers(suffix).shape();
            if (!suffix.equals("count") && !slot.admits(shape, count)) {
                throw invalid("has '%s' of shape %s, which does not belong to %s and %d samples"
                        .formatted(StateReader.name(slot.name(), suffix), shape, slot.described(), count));
            }
        }
        return read;
    }

    private static BackpackException invalid(String what) {
        return new BackpackException(KernelProblems.INVALID_STATE, "The session's state %s.".formatted(what));
    }

    /** Numbers by name. */
    Map<String, SessionState.Numbers> numbers() {
        Map<String, SessionState.Numbers> all = new LinkedHashMap<>();
        all.putAll(samples.state());
        all.putAll(factors.state());
        if (!losses) {
            all.putAll(total.state());
        }
        all.putAll(operands.numbers());
        merged.forEach((name, value) ->
                value.state().forEach((suffix, numbers) -> all.put(StateReader.name(name, suffix), numbers)));
        return all;
    }

    @Override
    public void close() {
        scope.close();
    }
}
