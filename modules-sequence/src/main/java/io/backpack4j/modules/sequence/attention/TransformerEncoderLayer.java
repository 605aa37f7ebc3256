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
 * PyTorch's {@code TransformerEncoderLayer} with the batch first: self-attention and two linear maps, each added to
 * what came in, with layer norms. Samples are {@code [T, E]}; a second input is the key padding mask, integers {@code
 * [T]}, not 0 where a position is padding. Parameters have PyTorch's names, {@code self_attn.in_proj_weight} and so on.
 *
 * @param layer the arguments
 */
public record TransformerEncoderLayer(TransformerLayer layer) implements Composition {

    private static final int MASK = 1;

    @Override
    public TransformerEncoderLayer inMode(Mode mode) {
        return new TransformerEncoderLayer(layer.inMode(mode));
    }

    @Override
    public boolean takesIntegers(int input) {
        return input == MASK;
    }

    @Override
    public CompositionGraph compose(List<Shape> inputs) {
        if (inputs.isEmpty() || inputs.size() > MASK + 1) {
            throw new BackpackException(
                    CommonProblems.INPUT_COUNT_MISMATCH,
                    "%s takes a sequence and perhaps a key padding mask, but was given %d input(s)."
                            .formatted(type(), inputs.size()));
        }
        if (!layer.takes(inputs.get(0))) {
            throw ModuleChecks.mismatch(
                    this, "takes samples [T, %d], but they have shape %s.".formatted(layer.dModel(), inputs.get(0)));
        }
        List<String> mask = inputs.size() > MASK ? List.of(CompositionGraph.input(MASK)) : List.of();
        return layer.new Blocks().selfAttention("self_attn", mask).feedForward().build();
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        return layer.arguments(type());
    }
}
