// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.function.Consumer;

/**
 * Accumulates over the batches of a data set. Its results are those of one pass over all batches taken as one, within
 * rounding, however the data is split: with a mean, the factor is that of all samples. Sums over batches are
 * compensated.
 *
 * <p>Results with an entry per sample stand in the order of the samples' ids, which is that of {@link #sampleIds},
 * whatever the order in which they were added or merged; they are kept in host memory until results are asked for,
 * unless {@link SessionOptions#perSample} says otherwise. Everything else takes memory on the backend: for sums twice
 * that of a pass, independent of the number of batches. Its {@code toString} says how large its state is.
 *
 * <p>The model's numbers must not change while the session is open. A change of some elements of every parameter, as an
 * optimiser's step makes, is found by the next {@link #add}; any other by {@link #results}, {@link #state} and
 * {@link #merge}, unless it was undone.
 *
 * <p>Used by one thread at a time. Close it when done; results outlive it.
 *
 * <pre>{@code
 * try (Session session = backpack.session(model, variance)) {
 *     for (Batch batch : batches) {
 *         session.add(batch);
 *     }
 *     try (Results results = session.results()) {
 *         Tensor ofDataSet = results.get(variance, "1.weight");
 *     }
 * }
 * }</pre>
 */
public interface Session extends AutoCloseable {

    /**
     * Runs a pass over a batch of any size and adds what it accumulates. If the batch is refused, the session stays as
     * it was.
     *
     * @param batch with sample ids that the session does not have yet
     * @throws BackpackException if a sample was added before, naming it, or the batch or the model's numbers do not fit
     */
    void add(Batch batch);

    /**
     * Runs a pass over a batch of any size with operands that extensions declared, and adds what it accumulates. The
     * session keeps copies of the first ones, which its results are of: all batches, and all sessions merged into it,
     * must come with the same numbers.
     *
     * @param batch with sample ids that the session does not have yet
     * @param operands the caller's, as of {@link RunOptions#operands}
     * @throws BackpackException as {@link #add(Batch)} does, with every operand that is missing, not declared or of
     *     another shape, or has other numbers than before
     */
    default void add(Batch batch, RunOperands operands) {
        if (!operands.tensors().isEmpty()) {
            throw new BackpackException(CommonProblems.UNSUPPORTED, "This session takes no operands.");
        }
        add(batch);
    }

    /**
     * Runs a pass over a batch and hands over what it has per sample, for {@link PerSample#HAND_OVER}: the unreduced
     * losses, the outputs if options say so, and the results of all extensions with an entry per sample, in the batch's
     * order. Gradients and results of other extensions are not among them. Then the rest of the batch is added.
     *
     * <p>They are those of the factor 1 of the loss, as unreduced losses are, and so depend neither on the batch nor on
     * how many samples there are: for a loss with factor c, multiply by c to the power of the result's degree, such as
     * 1 for gradients and 2 for squared norms.
     *
     * @param batch with sample ids that the session does not have yet
     * @param operands the caller's, as of {@link RunOptions#operands}
     * @param taker is called once; the results close after the call. If it throws, the session stays as it was
     * @throws BackpackException as {@link #add(Batch, RunOperands)} does, or if the session does not hand over
     */
    default void add(Batch batch, RunOperands operands, Consumer<? super Results> taker) {
        add(batch, operands, 1, taker);
    }

    /**
     * Runs a pass over a batch and hands over what it has per sample, as {@link #add(Batch, RunOperands, Consumer)}
     * does, but for a factor of the loss that is not 1: that of all samples, so that they are those of one pass over
     * all, if it is known before the last batch was added.
     *
     * @param batch with sample ids that the session does not have yet
     * @param operands the caller's, as of {@link RunOptions#operands}
     * @param factor c, such as 1/N for a mean over N samples ({@link io.backpack4j.spi.loss.Loss#normaliser})
     * @param taker is called once; the results close after the call. If it throws, the session stays as it was
     * @throws BackpackException as {@link #add(Batch, RunOperands, Consumer)} does, or if a result does not say how it
     *     scales with the factor
     */
    default void add(Batch batch, RunOperands operands, double factor, Consumer<? super Results> taker) {
        throw new BackpackException(CommonProblems.UNSUPPORTED, "This session hands no results over.");
    }

    /**
     * Adds everything that another session has accumulated. The other stays as it is. Sums come out the same in any
     * order of merging, within rounding, and bit by bit in the same order.
     *
     * @param other for an equal model with equal numbers, with the same requests, seed, ids and results per sample; of
     *     this or another loaded library
     * @throws BackpackException if it does not fit, with every difference, or has a sample that this one has
     */
    default void merge(Session other) {
        merge(other.state());
    }

    /**
     * Adds what a session had accumulated when it was saved; see {@link #merge(Session)}. Into an empty session it is
     * taken over bit by bit.
     */
    void merge(SessionState state);

    /** State of what was accumulated so far, as data. Valid until the session changes or closes. */
    SessionState state();

    /**
     * The size of the state that the session would have with so many samples, in bytes ({@link SessionState#bytes}).
     * With {@link SampleIds#RANGES} it is that of one range of ids; every other takes 16 bytes more.
     *
     * @throws BackpackException if it depends on how many columns a signal has, which is known from the first batch on
     */
    long stateBytes(long samples);

    /**
     * The results of everything that was added so far. The session goes on.
     *
     * @throws BackpackException if nothing was added
     */
    Results results();

    /** N, the number of all samples so far. */
    long samples();

    /** Number of batches that were added, by this session and those merged into it. */
    long batches();

    /**
     * The ids of the samples, in ascending order, in which results per sample stand.
     *
     * @throws BackpackException if they are not known, as {@link SampleIds} says, or are too many for an array
     */
    long[] sampleIds();

    /** Returns the memory. */
    @Override
    void close();
}
