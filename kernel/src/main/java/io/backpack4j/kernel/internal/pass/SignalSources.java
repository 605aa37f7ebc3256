// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.evaluation.ChunkForward;
import io.backpack4j.kernel.internal.layout.SignalLayout;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.extension.LossSignal;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** Signals at the loss, with what extensions folded for them in earlier stages. */
final class SignalSources {

    private final Loss loss;
    private final Backend backend;
    private final Function<Operand, Tensor> folded;
    private final Map<LossSignal, Long> columns = new HashMap<>();

    /** @param folded gives what extensions folded */
    SignalSources(Loss loss, Backend backend, Function<Operand, Tensor> folded) {
        this.loss = loss;
        this.backend = backend;
        this.folded = folded;
    }

    /** How many columns a signal has; the first chunk finds it out. */
    long columns(SignalLayout signal, ChunkForward chunk) {
        LossSignal source = signal.source();
        Long known = columns.get(source);
        if (known == null) {
            known = PluginCalls.call(Part.of(source, loss), "at the loss", () -> {
                LossSignal whole =
                        source.operand().map(folded).map(source::with).orElse(source);
                return whole.columns(chunk.loss());
            });
            columns.put(source, known);
        }
        return known;
    }

    /** How many columns a signal has that was asked for before. */
    long columns(SignalLayout signal) {
        return Objects.requireNonNull(columns.get(signal.source()));
    }

    /** The columns of a block. */
    Tensor seed(SignalLayout signal, ChunkForward chunk, Step step) {
        LossSignal source = signal.source();
        long from = step.block().fromColumn();
        long to = step.block().toColumn();
        if (source.operand().isEmpty()) {
            return source.seed(chunk.lossContext(), chunk.loss(), from, to);
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor operand = ofSamples(scope, folded.apply(source.operand().get()), step);
            return source.with(operand).seed(chunk.lossContext(), chunk.loss(), from, to);
        }
    }

    /** An operand's entries of the samples of a step. */
    private Tensor ofSamples(TensorScope scope, Tensor operand, Step step) {
        Shape shape = operand.shape();
        long samples = step.block().samples();
        if (shape.rank() == 0 || shape.size(-1) == samples) {
            return operand;
        }
        Region region = Region.all(shape).with(shape.rank() - 1, step.block().fromSample(), samples);
        Tensor part = scope.allocate(region.shape(), operand.dtype());
        backend.indexing().extract(operand, region, part);
        return part;
    }
}
