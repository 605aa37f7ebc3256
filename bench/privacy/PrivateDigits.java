// SPDX-License-Identifier: Apache-2.0
import io.backpack4j.cli.files.ImageShapes;
import io.backpack4j.cli.files.ShippedDigits;
import io.backpack4j.formats.IdxFile;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.Prediction;
import io.backpack4j.privacy.Clip;
import io.backpack4j.privacy.DpSgd;
import io.backpack4j.privacy.PrivacyBudget;
import io.backpack4j.privacy.accountant.Mechanism;
import io.backpack4j.privacy.accountant.NoiseCalibration;
import io.backpack4j.privacy.accountant.PrvAccountant;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.optimizer.SGD;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.LongStream;

/**
 * Private training on the first 5,000 of the shipped digits, and the accuracy on the 1,000 others. Prints a line of
 * JSON per seed: accuracy, and the milliseconds of a step, drawing and logging included.
 *
 * <p>Arguments: the model file, the number of seeds, of threads, of epochs, the expected batch, the learning rate, the
 * norm, ε, δ.
 */
public final class PrivateDigits {

    private static final int TRAINED = 5000;
    private static final int HELD_OUT = 1000;

    private PrivateDigits() {}

    public static void main(String[] arguments) {
        ModelDescription description = ModelFile.read(Path.of(arguments[0]));
        int seeds = Integer.parseInt(arguments[1]);
        int epochs = Integer.parseInt(arguments[3]);
        int batch = Integer.parseInt(arguments[4]);
        double rate = Double.parseDouble(arguments[5]);
        double norm = Double.parseDouble(arguments[6]);
        double delta = Double.parseDouble(arguments[8]);
        double sampling = (double) batch / TRAINED;
        long steps = epochs * Math.round(1 / sampling);
        PrvAccountant accountant = new PrvAccountant();
        double noise = NoiseCalibration.noiseFor(accountant, Double.parseDouble(arguments[7]), delta, sampling, steps);
        double epsilon = accountant.epsilon(List.of(new Mechanism(noise, sampling, steps)), delta);
        System.out.printf(
                Locale.ROOT, "{\"noise_multiplier\": %s, \"epsilon\": %.4f, \"steps\": %d}%n", noise, epsilon, steps);
        try (BackPack backpack =
                BackPack.builder().threads(Integer.parseInt(arguments[2])).build()) {
            Shape sample = ImageShapes.taken(backpack, description, Shape.of(28, 28));
            ArraySource training = digits(sample, 0, TRAINED);
            ArraySource heldOut = digits(sample, TRAINED, HELD_OUT);
            DpSgd optimizer = new DpSgd(new SGD(rate), Clip.flat(norm), noise, PrivacyBudget.counted(delta));
            for (int seed = 0; seed < seeds; seed++) {
                try (Model model = backpack.model(description, DType.FLOAT32, sample)) {
                    model.parameters().initialize(seed);
                    Trainer trainer = Trainer.builder(backpack, model)
                            .optimizer(optimizer)
                            .batch(batch)
                            .epochs(epochs)
                            .seed(seed)
                            .build();
                    long begin = System.nanoTime();
                    long taken = trainer.fit(training).steps();
                    double milliseconds = (System.nanoTime() - begin) / 1e6 / taken;
                    System.out.printf(
                            Locale.ROOT,
                            "{\"side\": \"ours\", \"seed\": %d, \"accuracy\": %.4f, \"ms_per_step\": %.3f, \"steps\": %d}%n",
                            seed,
                            accuracy(backpack, model, heldOut),
                            milliseconds,
                            taken);
                }
            }
        }
    }

    private static double accuracy(BackPack backpack, Model model, ArraySource data) {
        try (Batch batch = data.read(LongStream.range(0, HELD_OUT).toArray(), 1).upload(backpack, model.dtype());
                Prediction prediction = backpack.predict(model, batch)) {
            double[] output = prediction.output().toDoubleArray();
            long[] labels = batch.targets().toLongArray();
            int classes = output.length / labels.length;
            int right = 0;
            for (int n = 0; n < labels.length; n++) {
                double[] own = Arrays.copyOfRange(output, n * classes, (n + 1) * classes);
                right += own[(int) labels[n]] == Arrays.stream(own).max().orElseThrow() ? 1 : 0;
            }
            return (double) right / labels.length;
        }
    }

    private static ArraySource digits(Shape sample, int from, int count) {
        IdxFile images = ShippedDigits.images();
        IdxFile labels = ShippedDigits.labels();
        int size = (int) sample.elements();
        float[] pixels = new float[count * size];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) ((images.value(from * size + i) / 255.0 - 0.1307) / 0.3081);
        }
        long[] classes = new long[count];
        Arrays.setAll(classes, n -> labels.value(from + n));
        return ArraySource.of(sample, pixels, classes);
    }
}
