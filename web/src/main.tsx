import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { keepFresh } from "./api/fresh";
import { live } from "./api/live";
import { sender } from "./api/sender";
import { App } from "./app/app";
import { renewWhenReplaced } from "./app/renewal";
import "./app/styles.css";
import { setTime } from "./ui/time";
import { stayAboveKeyboard } from "./ui/viewport";

// Radix puts style elements into the page; the policy lets in those that carry this answer's nonce.
const nonce = document.querySelector<HTMLElement>("meta[property=csp-nonce]")?.nonce;
if (nonce) setNonce(nonce);

keepFresh();
sender.start();
live.onTime(setTime);
stayAboveKeyboard();
renewWhenReplaced();

// Over plain http a browser has no service workers, but on the own machine: then there is no page without a network.
if (import.meta.env.PROD && "serviceWorker" in navigator) void navigator.serviceWorker.register("/service-worker.js");

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
