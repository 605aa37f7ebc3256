// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.Team;
import io.backpack4j.spi.backend.AdamStep;

/**
 * A step of Adam over tensors that lie alike: reads and writes each element once, where the plain operations would do
 * so nine times. Works in the tensors' own type, as PyTorch does: a root and a division in double precision take four
 * times as long.
 */
final class AdamLoop {

    /**
     * Elements at a time. Copies of a page or more each wait for memory by themselves; short ones by turns have the
     * processor fetch all four arrays ahead.
     */
    private static final int CHUNK = 256;

    /** What an element takes. */
    private static final double NANOSECONDS = 1;

    private static final ThreadLocal<AdamLoop> OF_THREAD = ThreadLocal.withInitial(AdamLoop::new);

    private final float[] gradients = new float[CHUNK];
    private final float[] means = new float[CHUNK];
    private final float[] squares = new float[CHUNK];
    private final float[] values = new float[CHUNK];
    private final double[] wideGradients = new double[CHUNK];
    private final double[] wideMeans = new double[CHUNK];
    private final double[] wideSquares = new double[CHUNK];
    private final double[] wideValues = new double[CHUNK];

    private AdamLoop() {}

    /** Updates; all tensors have one type, as many elements, and these in one order. */
    static void run(Team team, CpuTensor gradient, CpuTensor mean, CpuTensor square, CpuTensor value, AdamStep step) {
        team.forAll(value.elements, CHUNK, NANOSECONDS, (from, to) -> {
            AdamLoop loop = OF_THREAD.get();
            for (long at = from; at < to; at += CHUNK) {
                int count = (int) Math.min(CHUNK, to - at);
                if (value.isSingle()) {
                    loop.single(gradient, mean, square, value, step, at, count);
                } else {
                    loop.wide(gradient, mean, square, value, step, at, count);
                }
            }
        });
    }

    private void single(
            CpuTensor gradient, CpuTensor mean, CpuTensor square, CpuTensor value, AdamStep step, long at, int count) {
        gradient.block.get(gradient.at(at), gradients, 0, count);
        mean.block.get(mean.at(at), means, 0, count);
        square.block.get(square.at(at), squares, 0, count);
        value.block.get(value.at(at), values, 0, count);
        update(
                gradients,
                means,
                squares,
                values,
                count,
                (float) step.firstBeta(),
                (float) (1 - step.firstBeta()),
                (float) step.secondBeta(),
                (float) (1 - step.secondBeta()),
                (float) step.rate(),
                (float) step.scale(),
                (float) step.epsilon());
        mean.block.put(mean.at(at), means, 0, count);
        square.block.put(square.at(at), squares, 0, count);
        value.block.put(value.at(at), values, 0, count);
    }

    /** A loop of its own without anything but arrays and numbers, which the compiler makes vector instructions of. */
    private static void update(
            float[] g,
            float[] m,
            float[] v,
            float[] x,
            int count,
            float firstBeta,
            float firstRest,
            float secondBeta,
            float secondRest,
            float rate,
            float scale,
            float epsilon) {
        for (int i = 0; i < count; i++) {
            m[i] = firstBeta * m[i] + firstRest * g[i];
        }
        for (int i = 0; i < count; i++) {
            v[i] = secondBeta * v[i] + secondRest * g[i] * g[i];
        }
        for (int i = 0; i < count; i++) {
            x[i] = x[i] - rate * m[i] / ((float) Math.sqrt(v[i]) * scale + epsilon);
        }
    }

    private void wide(
            CpuTensor gradient, CpuTensor mean, CpuTensor square, CpuTensor value, AdamStep step, long at, int count) {
        gradient.block.get(gradient.at(at), wideGradients, 0, count);
        mean.block.get(mean.at(at), wideMeans, 0, count);
        square.block.get(square.at(at), wideSquares, 0, count);
        value.block.get(value.at(at), wideValues, 0, count);
        for (int i = 0; i < count; i++) {
            double g = wideGradients[i];
            double m = step.firstBeta() * wideMeans[i] + (1 - step.firstBeta()) * g;
            double v = step.secondBeta() * wideSquares[i] + (1 - step.secondBeta()) * g * g;
            wideMeans[i] = m;
            wideSquares[i] = v;
            wideValues[i] -= step.rate() * m / (Math.sqrt(v) * step.scale() + step.epsilon());
        }
        mean.block.put(mean.at(at), wideMeans, 0, count);
        square.block.put(square.at(at), wideSquares, 0, count);
        value.block.put(value.at(at), wideValues, 0, count);
    }
}
