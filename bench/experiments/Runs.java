// SPDX-License-Identifier: Apache-2.0
import io.backpack4j.cli.files.ImageShapes;
import io.backpack4j.cli.files.ShippedDigits;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.EpochResult;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.TrainingListener;
import io.backpack4j.training.TrainingStep;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.Normalization;
import io.backpack4j.training.data.NormalizedSource;
import io.backpack4j.training.data.ReshapedSource;
import io.backpack4j.training.data.SampledBatches;
import io.backpack4j.training.data.Subset;
import io.backpack4j.training.files.DataSets;
import io.backpack4j.training.files.IdxSource;
import io.backpack4j.training.files.TrainingExpressions;
import io.backpack4j.training.metric.Accuracy;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Trains again and again in one JVM, which is warm after the first run. Reads a line per run, with tabs between its
 * words: {@code train, batch, steps of a stretch, stretches, seed, optimiser} prints a line per stretch, {@code time,
 * batch, steps to leave out, steps, optimiser} one line of the milliseconds that steps took, by the clock and of the
 * training thread's processor time; then {@code done} or what went wrong. A stretch is a part of a run, whatever the
 * size of the data, with an evaluation at its end.
 *
 * <p>Arguments: the model file, and what it trains on: {@code digits}, the shipped ones, of which the last 1,000 are
 * held out; {@code random} and the shape of a sample and a number of classes, {@code 3,32,32,10}; or training and
 * held-out images, each as {@code ./backpack train --data} names them, of the latter the first 1,000.
 */
public final class Runs {

    private static final int HELD_OUT = 1000;
    private static final int RANDOM_SAMPLES = 512;

    private final BackPack backpack;
    private final ModelDescription description;
    private final Shape sample;
    private final DataSource training;
    private final DataSource heldOut;

    private Runs(BackPack backpack, String[] arguments) {
        this.backpack = backpack;
        this.description = ModelFile.read(Path.of(arguments[0]));
        if (arguments[1].equals("random")) {
            int[] sizes = Arrays.stream(arguments[2].split(",")).mapToInt(Integer::parseInt).toArray();
            sample = Shape.of(Arrays.stream(sizes, 0, sizes.length - 1).asLongStream().toArray());
            training = random(sample, sizes[sizes.length - 1]);
            heldOut = training;
            return;
        }
        sample = ImageShapes.taken(backpack, description, Shape.of(28, 28));
        if (arguments[1].equals("digits")) {
            IdxSource digits = new IdxSource(ShippedDigits.images(), ShippedDigits.labels());
            Normalization normalization = Normalization.of(1.0 / 255, 0.1307, 0.3081);
            training = prepared(digits, 0, digits.samples() - HELD_OUT, normalization);
            heldOut = prepared(digits, digits.samples() - HELD_OUT, digits.samples(), normalization);
        } else {
            DataSource all = DataSets.open(arguments[1], description.inputs()).source();
            DataSource test = DataSets.open(arguments[2], description.inputs()).source();
            Normalization normalization = Normalization.of(1.0 / 255, 0.2860, 0.3530);
            training = prepared(all, 0, all.samples(), normalization);
            heldOut = prepared(test, 0, Math.min(test.samples(), HELD_OUT), normalization);
        }
    }

    private DataSource prepared(DataSource images, long from, long to, Normalization normalization) {
        return new ReshapedSource(new NormalizedSource(new Subset(images, from, to), normalization), sample);
    }

    private static DataSource random(Shape sample, int classes) {
        Random random = new Random(0);
        float[] pixels = new float[(int) sample.elements() * RANDOM_SAMPLES];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) random.nextGaussian();
        }
        return ArraySource.of(
                sample, pixels, random.longs(RANDOM_SAMPLES, 0, classes).toArray());
    }

    public static void main(String[] arguments) throws IOException {
        try (BackPack backpack = BackPack.create()) {
            Runs runs = new Runs(backpack, arguments);
            BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                try {
                    runs.run(line.split("\t"));
                    System.out.println("done");
                } catch (BackpackException e) {
                    System.out.println("failed: " + e.getMessage().replace('\n', ' '));
                }
            }
        }
    }

    private void run(String[] words) {
        int batch = Integer.parseInt(words[1]);
        long every = Long.parseLong(words[2]);
        if (words[0].equals("time")) {
            time(batch, every, Long.parseLong(words[3]), words[4]);
        } else {
            train(batch, every, Long.parseLong(words[3]), Long.parseLong(words[4]), words[5]);
        }
    }

    private void train(int batch, long every, long stretches, long seed, String optimizer) {
        try (Model model = model(seed)) {
            trainer(model, optimizer, seed)
                    .batch(batch)
                    .epochs(stretches)
                    .metric(new Accuracy())
                    .validation(heldOut)
                    .listener(new TrainingListener() {
                        @Override
                        public void onEpoch(EpochResult result) {
                            System.out.println(String.format(
                                    Locale.ROOT,
                                    "{\"steps\": %d, \"loss\": %.6g, \"accuracy\": %.5f,"
                                            + " \"held-out_loss\": %.6g, \"held-out_accuracy\": %.5f}",
                                    result.step(),
                                    result.values().get("train_loss"),
                                    result.values().get("train_accuracy"),
                                    result.values().get("valid_loss"),
                                    result.values().get("valid_accuracy")));
                        }
                    })
                    .build()
                    .fit(new Stretches(training, batch, seed, every));
        }
    }

    private void time(int batch, long leftOut, long steps, String optimizer) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        List<Long> wall = new ArrayList<>();
        List<Long> processor = new ArrayList<>();
        try (Model model = model(0)) {
            trainer(model, optimizer, 0)
                    .maxSteps(leftOut + steps)
                    .listener(new TrainingListener() {
                        @Override
                        public void onStepped(TrainingStep step) {
                            wall.add(System.nanoTime());
                            processor.add(threads.getCurrentThreadCpuTime());
                        }
                    })
                    .build()
                    .fit(new Stretches(training, batch, 0, leftOut + steps));
        }
        int first = (int) leftOut;
        System.out.println("{\"wall\": " + milliseconds(wall, first) + ", \"processor\": "
                + milliseconds(processor, first) + "}");
    }

    private static List<String> milliseconds(List<Long> ends, int first) {
        return IntStream.range(first, ends.size())
                .mapToObj(i -> String.format(Locale.ROOT, "%.4f", (ends.get(i) - ends.get(i - 1)) / 1e6))
                .toList();
    }

    private Model model(long seed) {
        Model model = backpack.model(description, DType.FLOAT32, sample);
        model.parameters().initialize(seed);
        return model;
    }

    private Trainer.Builder trainer(Model model, String optimizer, long seed) {
        return Trainer.builder(backpack, model)
                .optimizer(TrainingExpressions.optimizer(backpack.catalog(), optimizer))
                .seed(seed);
    }

    /** Shuffled batches of all samples, one pass after the other, which count as epochs of so many batches. */
    private record Stretches(SampledBatches all, int batch, long perEpoch) implements Batches {

        Stretches(DataSource source, int batch, long seed, long every) {
            this(new SampledBatches(source, batch, true, false, seed), batch, every);
        }

        @Override
        public long samplesPerEpoch() {
            return perEpoch * batch;
        }

        @Override
        public BatchData read(long epoch, long number) {
            long at = (epoch - 1) * perEpoch + number;
            return all.read(at / all.perEpoch() + 1, at % all.perEpoch());
        }
    }
}
