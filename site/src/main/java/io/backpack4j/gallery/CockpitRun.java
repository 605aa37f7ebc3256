// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.cockpit.Cockpit;
import io.backpack4j.cockpit.alarm.AlarmOptions;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.page.CockpitPage;
import io.backpack4j.cockpit.trainer.CockpitListener;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.optimizer.SGD;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A cockpit: what happens inside a network while it trains.
 *
 * <p>Quantities are computed in the pass of the step and go to a log. The page that is made of it needs no network;
 * alarms, if there are any, are printed.
 */
public final class CockpitRun {

    private CockpitRun() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : ".");
        Path log = Files.createTempDirectory("cockpit").resolve("run.jsonl");
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 32), new ReLU(), new Linear(32, 10));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28))) {
            CockpitListener cockpit = new CockpitListener(
                    Cockpit.builder(backpack, model)
                            .quantities("economy,NoiseScale")
                            .log(log),
                    Set.of(),
                    List.of());
            Trainer.builder(backpack, model)
                    .optimizer(new SGD(2))
                    .listener(cockpit)
                    .log(cockpit.log())
                    .batch(32)
                    .epochs(12)
                    .build()
                    .fit(Digits.source(0, 320));
            cockpit.alarms().forEach(alarm -> System.out.println(alarm));
        }
        RunLog run = Cockpit.load(log);
        System.out.println("steps in the log: " + run.values().size());
        CockpitPage.write(Map.of("SGD(lr=2)", run), AlarmOptions.DEFAULT, folder.resolve("cockpit.html"));
        System.out.println("page written: cockpit.html");
    }
}
