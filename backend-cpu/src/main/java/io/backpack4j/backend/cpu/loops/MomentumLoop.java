// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.Team;
import io.backpack4j.spi.backend.MomentumStep;

/**
 * A step of gradient descent with momentum over tensors that lie alike: reads and writes each element once. Works in
 * the tensors' own type, as {@link AdamLoop}.
 */
final class MomentumLoop {

    /** Elements at a time: the three arrays fit into the first cache. */
    private static final int CHUNK = 2048;

    /** What an element takes. */
    private static final double NANOSECONDS = 0.5;

    private static final ThreadLocal<MomentumLoop> OF_THREAD = ThreadLocal.withInitial(MomentumLoop::new);

    private final float[] gradients = new float[CHUNK];
    private final float[] buffers = new float[CHUNK];
    private final float[] values = new float[CHUNK];
    private final double[] wideGradients = new double[CHUNK];
    private final double[] wideBuffers = new double[CHUNK];
    private final double[] wideValues = new double[CHUNK];

    private MomentumLoop() {}

    /** Updates; all tensors have one type, as many elements, and these in one order. */
    static void run(Team team, CpuTensor gradient, CpuTensor buffer, CpuTensor value, MomentumStep step) {
        team.forAll(value.elements, CHUNK, NANOSECONDS, (from, to) -> {
            MomentumLoop loop = OF_THREAD.get();
            for (long at = from; at < to; at += CHUNK) {
                int count = (int) Math.min(CHUNK, to - at);
                if (value.isSingle()) {
                    loop.single(gradient, buffer, value, step, at, count);
                } else {
                    loop.wide(gradient, buffer, value, step, at, count);
                }
            }
        });
    }

    private void single(CpuTensor gradient, CpuTensor buffer, CpuTensor value, MomentumStep step, long at, int count) {
        gradient.block.get(gradient.at(at), gradients, 0, count);
        buffer.block.get(buffer.at(at), buffers, 0, count);
        value.block.get(value.at(at), values, 0, count);
        update(
                gradients,
                buffers,
                values,
                count,
                (float) step.scale(),
                (float) step.decay(),
                (float) step.kept(),
                (float) step.taken(),
                (float) step.ofGradient(),
                (float) step.ofBuffer());
        buffer.block.put(buffer.at(at), buffers, 0, count);
        value.block.put(value.at(at), values, 0, count);
    }

    /** A loop of its own without anything but arrays and numbers, which the compiler makes vector instructions of. */
    private static void update(
            float[] g,
            float[] b,
            float[] x,
            int count,
            float scale,
            float decay,
            float kept,
            float taken,
            float ofGradient,
            float ofBuffer) {
        for (int i = 0; i < count; i++) {
            float direction = scale * g[i] + decay * x[i];
            float buffer = kept * b[i] + taken * direction;
            b[i] = buffer;
            x[i] = x[i] - ofGradient * direction - ofBuffer * buffer;
        }
    }

    private void wide(CpuTensor gradient, CpuTensor buffer, CpuTensor value, MomentumStep step, long at, int count) {
        gradient.block.get(gradient.at(at), wideGradients, 0, count);
        buffer.block.get(buffer.at(at), wideBuffers, 0, count);
        value.block.get(value.at(at), wideValues, 0, count);
        for (int i = 0; i < count; i++) {
            double direction = step.scale() * wideGradients[i] + step.decay() * wideValues[i];
            double moved = step.kept() * wideBuffers[i] + step.taken() * direction;
            wideBuffers[i] = moved;
            wideValues[i] -= step.ofGradient() * direction + step.ofBuffer() * moved;
        }
        buffer.block.put(buffer.at(at), wideBuffers, 0, count);
        value.block.put(value.at(at), wideValues, 0, count);
    }
}
