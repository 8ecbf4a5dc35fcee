"""The trainer on a machine with several devices: `python -m tests.two_devices RUN_DIR`.

This machine's processor is given to TensorFlow as two, which take the places of two GPUs.
"""

import sys

import tensorflow as tf  # isort: skip
from cnn import train
from cnn.networks import compile


def main() -> int:
    (processor,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    compile.devices_to_train_on = lambda: [device.name for device in tf.config.list_logical_devices("CPU")]
    return train.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
