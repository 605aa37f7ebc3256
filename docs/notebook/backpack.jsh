// Individual gradients of a small network, line by line. docs/start.md says how to run this.
import io.backpack4j.ext.firstorder.*
import io.backpack4j.kernel.*
import io.backpack4j.modules.linear.*
import io.backpack4j.modules.linear.loss.*
import io.backpack4j.spi.tensor.*

var random = new Random(0)
var inputs = new float[64 * 4]
for (int i = 0; i < inputs.length; i++) { inputs[i] = random.nextFloat() - 0.5f; }
var labels = random.longs(64, 0, 3).toArray()

var backpack = BackPack.create()
var graph = Graph.sequential(new Linear(4, 8), new Tanh(), new Linear(8, 3))
var model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(4))
model.parameters().initialize(0)
var batch = backpack.batch(DType.FLOAT32, inputs, Shape.of(64, 4), labels)

var norms = new BatchL2Grad()
var results = backpack.compute(model, batch, new BatchGrad(), new Variance(), norms)
System.out.printf("loss %.4f%n", results.loss())
results.tensors().forEach((name, tensor) -> System.out.println(name + " " + tensor.shape()))
System.out.println("longest² " + Arrays.stream(results.get(norms, "0.weight").toDoubleArray()).max().getAsDouble())

results.close()
batch.close()
model.close()
backpack.close()
/exit
