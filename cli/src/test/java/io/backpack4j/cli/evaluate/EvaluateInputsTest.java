// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.cli.options.ModelOption;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.TensorScope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class EvaluateInputsTest {

    private static final String MODEL = """
            {"nodes": [{"name": "0", "type": "Linear", "in_features": 2, "out_features": 1, "bias": false}],
             "loss": {"type": "MSELoss", "reduction": "mean"}}
            """;

    @TempDir
    private Path directory;

    /** Vectors of products and operands come from the file that stayed open, which nobody can open again. */
    @Test
    void the_data_file_is_opened_once() throws IOException {
        Path model = Files.writeString(directory.resolve("model.json"), MODEL);
        Path data = directory.resolve("data.safetensors");
        Files.write(data, data());
        Problems problems = new Problems();
        ModelOption option = CommandLine.populateCommand(new ModelOption(), "--model", model.toString());
        try (BackPack backpack = BackPack.builder().backend("cpu").build();
                EvaluateInputs inputs =
                        EvaluateInputs.read(backpack, option, data.toString(), Optional.empty(), null, problems)) {
            Files.delete(data);
            Plan plan = inputs.plan(
                    backpack,
                    List.of(Request.of(backpack.catalog().extension("GGNMP", Map.of()))),
                    PassOptions.DEFAULT);
            ProductVectors vectors = ProductVectors.of(inputs.data(), plan);
            Backend backend = backpack.backend();
            List<String> multiplied = new ArrayList<>();
            try (TensorScope scope = backend.openScope();
                    Results results = plan.run(inputs.batch())) {
                assertThat(inputs.operands(scope).tensors()).containsOnlyKeys("weights");
                vectors.multiply(backend, results, DType.FLOAT64, (name, product) -> multiplied.add(name));
            }
            assertThat(multiplied).containsExactly("0.weight/ggnmp");
        }
    }

    /** One sample, a weight of ones, a vector for the product, and an operand. */
    private static byte[] data() {
        String header = """
                {"input":{"dtype":"F64","shape":[1,2],"data_offsets":[0,16]},\
                "target":{"dtype":"F64","shape":[1,1],"data_offsets":[16,24]},\
                "0.weight":{"dtype":"F64","shape":[1,2],"data_offsets":[24,40]},\
                "vec/0.weight":{"dtype":"F64","shape":[1,1,2],"data_offsets":[40,56]},\
                "operand/weights/*":{"dtype":"F64","shape":[1],"data_offsets":[56,64]}}""";
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(8 + json.length + 64).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(json.length).put(json);
        for (int i = 0; i < 8; i++) {
            file.putDouble(1);
        }
        return file.array();
    }
}
