// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.CounterRandom;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.DataSource;
import java.util.Arrays;
import java.util.Optional;

/**
 * Batches in which every sample is with a probability of its own, whatever else is in them: the only ones whose privacy
 * is amplified by sampling. Their sizes differ. One that drew nobody has one sample with a negative id, which does not
 * count, so that the step's noise is added all the same. Units of several samples are drawn as wholes.
 */
public final class PoissonBatches implements Batches {

    /** Who draws; see {@link RandomKey#stream}. */
    private static final long STREAM = 0x504F_4953L;

    private final DataSource source;
    private final double rate;
    private final Optional<PrivacyUnits> units;
    private final long perEpoch;
    private final long seed;

    /**
     * Creates batches.
     *
     * @param source stays the caller's
     * @param rate the probability, above 0 and at most 1
     * @param seed of the draws; must stay secret for the privacy to hold
     * @throws BackpackException if the rate is not possible
     */
    public PoissonBatches(DataSource source, double rate, long seed) {
        this(source, rate, Optional.empty(), seed);
    }

    /**
     * Creates batches of units.
     *
     * @param units drawn as wholes; single samples if empty
     */
    public PoissonBatches(DataSource source, double rate, Optional<PrivacyUnits> units, long seed) {
        if (!(rate > 0 && rate <= 1)) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY,
                    "The sampling rate is %s, but must be above 0 and at most 1. It is the expected batch size over the number of samples."
                            .formatted(rate));
        }
        if (source.samples() > Integer.MAX_VALUE - 8 || source.samples() < 1) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY,
                    "%d samples cannot be drawn from. Possible: 1 to %d."
                            .formatted(source.samples(), Integer.MAX_VALUE - 8));
        }
        this.source = source;
        this.rate = rate;
        this.units = units;
        this.seed = seed;
        this.perEpoch = Math.max(1, Math.round(1 / rate));
    }

    /** The probability with which a sample, or a unit, is in a batch. */
    public double rate() {
        return rate;
    }

    /** How many samples a batch has on average. */
    public double expectedSamples() {
        return rate * source.samples();
    }

    /** What is drawn as a whole. */
    public Optional<PrivacyUnits> units() {
        return units;
    }

    @Override
    public long perEpoch() {
        return perEpoch;
    }

    @Override
    public long samplesPerEpoch() {
        return source.samples();
    }

    @Override
    public BatchData read(long epoch, long number) {
        RandomKey key = new RandomKey(seed, STREAM, 0);
        long draw = (epoch - 1) * perEpoch + number;
        int total = (int) source.samples();
        long[] drawn = new long[total];
        int count = 0;
        for (int sample = 0; sample < total; sample++) {
            long position = units.isPresent() ? units.get().of(sample) : sample;
            if (CounterRandom.uniform(key, draw, position) < rate) {
                drawn[count++] = sample;
            }
        }
        if (count > 0) {
            return source.read(Arrays.copyOf(drawn, count), epoch);
        }
        BatchData filler = source.read(new long[] {0}, epoch);
        return new BatchData(filler.inputs(), filler.targets(), new long[] {-1});
    }
}
