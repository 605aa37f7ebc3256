// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.Experimental;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A pass, checked and laid out for one model, one shape of batch and one set of requests. Made once, run often, by any
 * thread; it knows the model's numbers only when it runs. Its {@code toString} says what it costs.
 *
 * <pre>{@code
 * Plan plan = backpack.plan(model, batch, List.of(Request.of(variance)), PassOptions.DEFAULT);
 * for (Batch next : batches) {
 *     try (Results results = plan.run(next)) {
 *         Tensor ofWeight = results.get(variance, "0.weight");
 *     }
 * }
 * }</pre>
 */
public interface Plan {

    /** Runs the pass with seed 0. */
    default Results run(Batch batch) {
        return run(batch, 0);
    }

    /**
     * Runs the pass.
     *
     * @param batch of the planned shapes and types
     * @param seed of random draws; the same seed gives the same numbers
     */
    default Results run(Batch batch, long seed) {
        return run(batch, RunOptions.seed(seed));
    }

    /**
     * Runs the pass. If it succeeds, buffers of modules in train mode are updated, once, unless
     * {@link PassOptions#updateBuffers} says otherwise: other passes of the model must not run meanwhile.
     *
     * @param batch of the planned shapes and types
     * @throws io.backpack4j.spi.BackpackException {@code [Cancelled]} if it was ended, {@code [NotFinite]} as
     *     {@link NanPolicy} says, {@code [OutOfMemory]} if the backend has no more memory, {@code [PluginFailure]} if a
     *     plugin failed. The instance stays usable, and all memory of the pass is returned
     */
    Results run(Batch batch, RunOptions options);

    /** Number of steps that a {@link PassListener} is told of in a run. */
    long steps();

    /** The number of samples taken at a time. */
    long chunkSamples();

    /** The number of columns of a signal that travel at a time. */
    long blockColumns();

    /**
     * The most memory that the pass and its results take at a time, beside the model and the batch, in bytes. With a
     * budget, workspaces of libraries are in it, as far as the backend counts them
     * ({@link io.backpack4j.spi.backend.Backend#openAccount}), and so is a product of each kind that the results offer;
     * without one, it is that of tensors alone.
     */
    long peakBytes();

    /**
     * What a run will cost in time and memory, worked out before it runs: the operations of the pass, written down by a
     * dry run, at speeds that some small calls of the backend show (a second, once per library and type), and, where
     * the pass is short, a rehearsal of it that counts its memory.
     *
     * @param batch of the planned shapes and types
     */
    @Experimental
    Cost cost(Batch batch);

    /**
     * The names, types and shapes of the tensors that {@link Results#tensors} will hold, or that {@link ResultTaker}
     * gets part by part.
     */
    Map<String, ResultType> results();

    /**
     * The names of the products that {@link Results#products} will hold, with the shapes {@code *p} of their
     * parameters.
     */
    Map<String, Shape> products();

    /**
     * Numbers of products with unit vectors that a run makes for diagonals ({@link
     * io.backpack4j.spi.extension.SiteDeclaration#diagonal}), by parameter: as many as the parameter has elements, for
     * every chunk, or for every sample if diagonals of single samples are wanted. Each takes a walk forward and back
     * through the network, for a chunk or for a sample. Empty if there are none.
     */
    default SortedMap<String, Long> unitProducts() {
        return new TreeMap<>();
    }

    /**
     * Columns of signals that meet each other in blocks, for Gram matrices of a root ({@link
     * io.backpack4j.spi.module.CrossInnerProducts}), by the signal's name. Empty where all columns travel together.
     */
    default SortedMap<String, Meetings> meetings() {
        return new TreeMap<>();
    }

    /** {@link BatchStatistics#CONSTANT} if some node's statistics of the batch are taken as constants. */
    BatchStatistics statistics();

    /** Signals that are propagated: the signals with their numbers of columns. */
    List<String> signals();

    /**
     * How the columns of a signal meet each other, in blocks.
     *
     * @param blocks how many blocks there are
     * @param keptBlocks how many of them are kept at every parameter until all later ones have met them there; with 0
     *     every two blocks walk together. The more memory there is, the more are kept
     * @param walks how many walks back it takes, of all chunks together
     */
    record Meetings(long blocks, long keptBlocks, long walks) {}

    /**
     * The type of a result.
     *
     * @param dtype its elements
     * @param shape its shape
     */
    record ResultType(DType dtype, Shape shape) {}
}
