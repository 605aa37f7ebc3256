// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Permute;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.sequence.embedding.Embedding;
import io.backpack4j.modules.sequence.recurrent.LSTM;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;

/**
 * A recurrent network that predicts characters.
 *
 * <p>An embedding, an LSTM over 16 characters, and a linear layer. All positions of a sample share the weights; an
 * individual gradient is that of a sample, summed over its positions.
 */
public final class RecurrentNetwork {

    private static final String TEXT =
            "one backward pass carries more than the gradient, and the gradient hides more than "
                    + "it says, since it is an average. what single samples say is lost in it. ";
    private static final int LENGTH = 16;

    private RecurrentNetwork() {}

    public static void main(String[] arguments) {
        int samples = 32;
        long[] characters = new long[samples * LENGTH];
        long[] next = new long[samples * LENGTH];
        for (int i = 0; i < characters.length; i++) {
            int place = i / LENGTH * 3 + i % LENGTH;
            characters[i] = code(place);
            next[i] = code(place + 1);
        }
        // CrossEntropyLoss takes classes on axis 1, as in PyTorch.
        Graph graph =
                Graph.sequential(new Embedding(28, 12), new LSTM(12, 24), new Linear(24, 28), new Permute(0, 2, 1));
        BatchL2Grad norms = new BatchL2Grad();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(LENGTH));
                Batch batch = backpack.batch(DType.FLOAT32)
                        .input(Graph.INPUT, Shape.of(samples, LENGTH), characters)
                        .targets(Shape.of(samples, LENGTH), next)
                        .build()) {
            model.parameters().initialize(0);
            try (Results results = backpack.compute(model, batch, norms, new Variance(), new DiagGGNMC(1))) {
                System.out.printf("loss %.4f, that of guessing %.4f%n", results.loss(), Math.log(28));
                results.tensors().forEach((name, tensor) -> {
                    if (name.startsWith("1.weight")) {
                        System.out.printf("%-36s %s%n", name, tensor.shape());
                    }
                });
                double[] squares = results.get(norms, "1.weight_hh_l0").toDoubleArray();
                System.out.printf(
                        "the shortest and the longest gradient of weight_hh_l0: %.2e, %.2e%n",
                        Math.sqrt(Arrays.stream(squares).min().orElseThrow()),
                        Math.sqrt(Arrays.stream(squares).max().orElseThrow()));
            }
        }
    }

    private static long code(int place) {
        char character = TEXT.charAt(place % TEXT.length());
        return Character.isLetter(character) ? character - 'a' : character == ' ' ? 26 : 27;
    }
}
