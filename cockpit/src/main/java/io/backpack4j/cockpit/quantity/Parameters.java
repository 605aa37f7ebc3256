// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.formats.SafetensorsWriterBuilder;
import io.backpack4j.spi.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The parameters themselves: a file in the run's folder. */
record Parameters() implements SingleStepQuantity {

    private static final int BLOCK = 1 << 16;

    @Override
    public boolean isOfParameters() {
        return false;
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        if (step.folder().isEmpty()) {
            return Measurement.missing("the run has no folder to write parameters into");
        }
        String name = "parameters/step%d.safetensors".formatted(step.step());
        Path target = step.folder().get().resolve(name);
        try {
            Files.createDirectories(target.getParent());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(target).metadata("step", String.valueOf(step.step()));
        for (String parameter : parameters) {
            Tensor tensor = step.parameter(parameter);
            builder.tensor(parameter, tensor.dtype(), tensor.shape());
        }
        try (SafetensorsWriter writer = builder.open()) {
            double[] block = new double[BLOCK];
            for (String parameter : parameters) {
                Tensor tensor = step.parameter(parameter);
                long elements = tensor.shape().elements();
                for (long from = 0; from < elements; from += BLOCK) {
                    int count = (int) Math.min(BLOCK, elements - from);
                    tensor.read(from, block, 0, count);
                    writer.write(parameter, from, block, 0, count);
                }
            }
            writer.commit();
        }
        return new Measurement(new Value.File(name), Map.of());
    }
}
