// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.internal.calls.BackendCalls;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.pass.MergedPartials;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Makes results of what a batch has per sample. */
final class HandedOver {

    private final Backend backend;
    private final List<Slot> slots;
    private final boolean outputs;
    private PassLayout layout;

    HandedOver(Backend backend, PassLayout layout, boolean outputs) {
        this.backend = backend;
        this.layout = layout;
        this.slots = Slot.of(layout).stream().filter(slot -> !slot.isGradient()).toList();
        this.outputs = outputs;
    }

    /** The partial results that they are made of. */
    List<Slot> slots() {
        return slots;
    }

    /** Makes them for a factor of the loss, and gives them away as long as the call lasts. */
    void give(
            PassPartials pass, long samples, RunOperands operands, double normaliser, Consumer<? super Results> taker) {
        if (layout.samples() != samples) {
            layout = layout.withSamples(samples);
        }
        try (Results results = BackendCalls.call(
                backend, "Making results of a batch's samples", () -> made(pass, operands, normaliser))) {
            taker.accept(results);
        }
    }

    private Results made(PassPartials pass, RunOperands operands, double normaliser) {
        try (MergedPartials own = new MergedPartials(layout, backend)) {
            TensorScope scope = own.scope();
            for (Slot slot : slots) {
                PassPartials.Value value = slot.in(pass);
                List<Tensor> copies = value.tensors().stream()
                        .map(tensor -> DeviceNumbers.copy(backend, scope, tensor))
                        .toList();
                scale(copies, slot.factor(normaliser));
                slot.set(own, copies, value.count());
            }
            Tensor losses = DeviceNumbers.copy(backend, scope, pass.lossPerSample());
            Optional<Tensor> output =
                    outputs ? Optional.of(DeviceNumbers.copy(backend, scope, pass.output())) : Optional.empty();
            LossTotal total = new LossTotal();
            total.add(losses);
            return own.finish(
                    new MergedPartials.Loss(normaliser, normaliser * total.value(), Optional.of(losses), output),
                    operands,
                    false);
        }
    }

    /** Squares stand behind the sum that they are of. */
    private void scale(List<Tensor> tensors, double factor) {
        double power = factor;
        for (Tensor tensor : tensors) {
            if (power != 1) {
                backend.elementwise().affine(tensor, power, 0, tensor);
            }
            power *= factor;
        }
    }
}
