// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.attention;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.CompositionGraph;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * PyTorch's {@code TransformerDecoderLayer} with the batch first: self-attention, attention to a memory and two linear
 * maps, each added to what came in, with layer norms. Inputs are the target {@code [T, E]}, the memory {@code [S, E]}
 * and perhaps the key padding masks of the target {@code [T]} and of the memory {@code [S]}, integers, not 0 where a
 * position is padding; a mask of zeros hides nothing. Parameters have PyTorch's names, {@code
 * multihead_attn.in_proj_weight} and so on.
 *
 * @param layer the arguments; {@code causal} is of the target
 */
public record TransformerDecoderLayer(TransformerLayer layer) implements Composition {

    private static final int MASKS = 2;

    @Override
    public TransformerDecoderLayer inMode(Mode mode) {
        return new TransformerDecoderLayer(layer.inMode(mode));
    }

    @Override
    public boolean takesIntegers(int input) {
        return input >= MASKS;
    }

    @Override
    public CompositionGraph compose(List<Shape> inputs) {
        if (inputs.size() < MASKS || inputs.size() > MASKS + 2) {
            throw new BackpackException(
                    CommonProblems.INPUT_COUNT_MISMATCH,
                    "%s takes a target, a memory and perhaps the key padding masks of both, but was given %d input(s)."
                            .formatted(type(), inputs.size()));
        }
        if (!layer.takes(inputs.get(0)) || !layer.takes(inputs.get(1))) {
            throw ModuleChecks.mismatch(
                    this,
                    "takes targets [T, %d] and memories [S, %d], but samples have shapes %s."
                            .formatted(layer.dModel(), layer.dModel(), inputs));
        }
        return layer.new Blocks()
                .selfAttention("self_attn", mask(inputs, MASKS))
                .attention("multihead_attn", CompositionGraph.input(1), mask(inputs, MASKS + 1))
                .feedForward()
                .build();
    }

    private static List<String> mask(List<Shape> inputs, int index) {
        return inputs.size() > index ? List.of(CompositionGraph.input(index)) : List.of();
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        return layer.arguments(type());
    }
}
