// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.formats.SafetensorsWriterBuilder;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a cockpit keeps from step to step, as named rows of numbers in a safetensors file. */
final class CockpitState {

    private static final String QUANTITY = "quantity/";

    private final Map<String, double[]> rows = new LinkedHashMap<>();

    static CockpitState of(Map<String, double[]> rows) {
        CockpitState state = new CockpitState();
        state.rows.putAll(rows);
        return state;
    }

    Map<String, double[]> rows() {
        return new LinkedHashMap<>(rows);
    }

    void put(String name, double... numbers) {
        rows.put(name, numbers);
    }

    boolean has(String name) {
        return rows.containsKey(name);
    }

    double[] get(String name) {
        double[] numbers = rows.get(name);
        if (numbers == null) {
            throw foreign("'%s' is not in it".formatted(name));
        }
        return numbers;
    }

    double[] get(String name, int length) {
        double[] numbers = get(name);
        if (numbers.length != length) {
            throw foreign("'%s' has %d numbers instead of %d".formatted(name, numbers.length, length));
        }
        return numbers;
    }

    void putQuantity(String label, Map<String, double[]> state) {
        state.forEach((name, numbers) -> put(QUANTITY + label + "/" + name, numbers));
    }

    Map<String, double[]> quantity(String label) {
        String prefix = QUANTITY + label + "/";
        Map<String, double[]> state = new LinkedHashMap<>();
        rows.forEach((name, numbers) -> {
            if (name.startsWith(prefix)) {
                state.put(name.substring(prefix.length()), numbers);
            }
        });
        return state;
    }

    private static BackpackException foreign(String what) {
        return new BackpackException(
                CockpitProblems.FOREIGN_STATE,
                "The saved state of the cockpit does not belong to this model and these quantities: %s."
                        .formatted(what));
    }

    void save(Path target) {
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(target);
        rows.forEach((name, numbers) -> builder.tensor(name, DType.FLOAT64, Shape.of(numbers.length)));
        try (SafetensorsWriter writer = builder.open()) {
            rows.forEach((name, numbers) -> writer.write(name, 0, numbers, 0, numbers.length));
            writer.commit();
        }
    }

    static CockpitState load(Path source) {
        CockpitState state = new CockpitState();
        try (Safetensors file = Safetensors.open(source)) {
            file.tensors().keySet().forEach(name -> state.put(name, file.readDoubles(name)));
        }
        return state;
    }
}
