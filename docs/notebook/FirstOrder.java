///usr/bin/env jbang "$0" "$@" ; exit $?
//REPOS mavenlocal,central
//DEPS io.backpack4j:backpack4j:0.1.0-SNAPSHOT
//DEPS org.slf4j:slf4j-nop:2.0.20
//JAVA 17+
//RUNTIME_OPTIONS -Dorg.bytedeco.javacpp.maxbytes=0 -Dorg.bytedeco.javacpp.maxphysicalbytes=0
//RUNTIME_OPTIONS -Dguice_custom_class_loading=CHILD

import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Random;

/** Norms and variances of individual gradients, as a script: {@code jbang FirstOrder.java}. */
public class FirstOrder {
    public static void main(String[] arguments) {
        Random random = new Random(0);
        float[] inputs = new float[64 * 4];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = random.nextFloat() - 0.5f;
        }
        long[] labels = random.longs(64, 0, 3).toArray();
        Graph graph = Graph.sequential(new Linear(4, 8), new Tanh(), new Linear(8, 3));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(4));
                Batch batch = backpack.batch(DType.FLOAT32, inputs, Shape.of(64, 4), labels)) {
            model.parameters().initialize(0);
            try (Results results = backpack.compute(model, batch, new BatchL2Grad(), new Variance())) {
                System.out.printf("loss %.4f%n", results.loss());
                results.tensors().forEach((name, tensor) -> System.out.println(name + " " + tensor.shape()));
            }
        }
    }
}
