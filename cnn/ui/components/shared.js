// In front of every component's script.

// What `data_url` of cnn.charts wrote, or any base64: its bytes.
function bytes(base64) {
  return Uint8Array.from(atob(base64.replace(/^data:[^,]*,/, "")), (letter) => letter.charCodeAt(0));
}

// What `base64_floats` of cnn.charts wrote: 32-bit floats.
function floats(base64) {
  return new Float32Array(bytes(base64).buffer);
}
