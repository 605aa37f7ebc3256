// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.djl;

import static org.mockito.ArgumentMatchers.any;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.ParameterList;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.listener.TrainingListener.BatchData;
import io.backpack4j.spi.tensor.Shape;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a listener sees of DJL, without an engine: arrays with numbers, a trainer, batches. */
final class FakeTraining {

    final Trainer trainer = mock(Trainer.class);
    final Map<String, double[]> values = new LinkedHashMap<>();
    final Map<String, double[]> gradients = new HashMap<>();
    final ParameterList parameters = new ParameterList();
    private Device[] devices = {Device.cpu()};

    FakeTraining() {
        ai.djl.Model model = mock(ai.djl.Model.class);
        Block block = mock(Block.class);
        when(trainer.getModel()).thenReturn(model);
        when(model.getBlock()).thenReturn(block);
        when(block.getParameters()).thenReturn(parameters);
        when(trainer.getDevices()).thenAnswer(call -> devices);
    }

    /** Adds a parameter whose numbers and gradient are those that stand in the maps when it is asked. */
    Parameter parameter(String name, Parameter.Type type, double[] numbers, long... shape) {
        values.put(name, numbers);
        NDArray array = array(DataType.FLOAT32, numbers, shape);
        when(array.toFloatArray()).thenAnswer(call -> floats(values.get(name)));
        when(array.getGradient()).thenAnswer(call -> array(DataType.FLOAT32, gradients.get(name), shape));
        Parameter parameter = Parameter.builder()
                .setName(name)
                .setType(type)
                .optArray(array)
                .optRequiresGrad(type != Parameter.Type.RUNNING_MEAN && type != Parameter.Type.RUNNING_VAR)
                .build();
        parameters.add(name, parameter);
        return parameter;
    }

    void devices(Device... others) {
        devices = others;
    }

    /** A batch that was passed backwards. */
    BatchData batch(NDList data, NDList labels, @Nullable NDArray prediction) {
        Batch batch = mock(Batch.class);
        when(batch.getData()).thenReturn(data);
        when(batch.getLabels()).thenReturn(labels);
        Map<Device, NDList> predictions = new HashMap<>();
        for (Device device : devices) {
            predictions.put(device, prediction == null ? new NDList() : new NDList(prediction));
        }
        return new BatchData(batch, Map.of(), predictions);
    }

    static NDArray array(DataType type, double[] numbers, long... shape) {
        NDArray array = mock(NDArray.class);
        when(array.getShape()).thenReturn(new ai.djl.ndarray.types.Shape(shape));
        when(array.getDataType()).thenReturn(type);
        when(array.getDevice()).thenReturn(Device.cpu());
        when(array.toDoubleArray()).thenReturn(numbers);
        when(array.toFloatArray()).thenAnswer(call -> floats(numbers));
        when(array.toLongArray())
                .thenAnswer(call -> java.util.Arrays.stream(numbers)
                        .mapToLong(x -> (long) x)
                        .toArray());
        when(array.toIntArray())
                .thenAnswer(call ->
                        java.util.Arrays.stream(numbers).mapToInt(x -> (int) x).toArray());
        when(array.toDevice(any(), org.mockito.ArgumentMatchers.anyBoolean())).thenReturn(array);
        return array;
    }

    static NDArray array(double[] numbers, Shape shape) {
        return array(DataType.FLOAT32, numbers, shape.toArray());
    }

    private static float[] floats(double[] numbers) {
        float[] floats = new float[numbers.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) numbers[i];
        }
        return floats;
    }
}
