// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * What a posterior is of.
 *
 * @param names of the uncertain parameters
 * @param samples N
 * @param loss summed over samples
 * @param fingerprint of all of the model's numbers
 */
record FittedModel(
        Structure structure, Likelihood likelihood, List<String> names, long samples, double loss, String fingerprint) {

    static FittedModel of(
            Model model, Structure structure, Likelihood likelihood, List<String> names, long samples, double loss) {
        return new FittedModel(structure, likelihood, names, samples, loss, fingerprint(model));
    }

    /** SHA-256 of names and numbers of all parameters and buffers. */
    static String fingerprint(Model model) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            Parameters parameters = model.parameters();
            for (String name : parameters.names()) {
                digest.update(name.getBytes(StandardCharsets.UTF_8));
                double[] values = Numbers.of(parameters.get(name)).values();
                ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Double.BYTES));
                bytes.asDoubleBuffer().put(values);
                digest.update(bytes);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Fails if a model has other numbers. */
    void requireFingerprint(Model model) {
        if (!fingerprint.equals(fingerprint(model))) {
            throw new BackpackException(
                    LaplaceProblems.POSTERIOR_MISMATCH,
                    "The model's numbers are not those that the posterior was fitted to. Fit it again, or load these numbers.");
        }
    }

    /** A model of the same network and numbers with another loss or type. The caller closes it. */
    static Model copy(BackPack backpack, Model model, Loss loss, DType dtype) {
        Shape[] shapes = model.inputShapes().toArray(new Shape[0]);
        Model copy = backpack.model(model.graph(), loss, dtype, shapes);
        try {
            for (String name : model.parameters().names()) {
                copy.parameters()
                        .set(name, Numbers.of(model.parameters().get(name)).values());
            }
            return copy;
        } catch (RuntimeException | Error e) {
            copy.close();
            throw e;
        }
    }

    /** The uncertain parameters, and how many numbers they have. */
    static List<Curvature.ParameterSize> sizes(Model model, List<String> names) {
        List<Curvature.ParameterSize> sizes = new ArrayList<>();
        for (String name : names) {
            long elements = model.parameters().spec(name).shape().elements();
            sizes.add(new Curvature.ParameterSize(name, Math.toIntExact(elements)));
        }
        return sizes;
    }

    /** Of other data together. */
    FittedModel with(FittedModel other) {
        return new FittedModel(structure, likelihood, names, samples + other.samples, loss + other.loss, fingerprint);
    }

    /** Whether only the data differs. */
    boolean isOfSame(FittedModel other) {
        return structure == other.structure
                && likelihood == other.likelihood
                && names.equals(other.names)
                && fingerprint.equals(other.fingerprint);
    }
}
