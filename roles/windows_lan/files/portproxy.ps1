# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Leads ports of the PC to a distribution, at the address that it has now, and takes away what leads elsewhere. JSON in, as a text or, for the task that
# does this at every start, as a file: program (wsl.exe), distribution, ports, gone. JSON out: changed, address.
[CmdletBinding(SupportsShouldProcess)]
param (
    [string] $Wanted = '',
    [string] $Path = ''
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$env:WSL_UTF8 = '1'
if ($Path) { $Wanted = [System.IO.File]::ReadAllText($Path) }
$wish = $Wanted | ConvertFrom-Json

function Invoke-Native {
    # Windows PowerShell makes an error of each line that a program writes to its standard error, a warning of wsl.exe as well, and would end here
    # (PowerShell/PowerShell issue 3996). Whether a program has failed says how it ended.
    param ([scriptblock] $Call)
    $ErrorActionPreference = 'Continue'
    & $Call
}

$anywhere = '0.0.0.0'
$key = 'HKLM:\SYSTEM\CurrentControlSet\Services\PortProxy\v4tov4\tcp'

function Get-Target {
    # Where a port leads. netsh keeps it here, so that its words need not be read.
    param ([int] $Port)
    if (-not (Test-Path -LiteralPath $key)) { return '' }
    $property = (Get-ItemProperty -LiteralPath $key).PSObject.Properties["$anywhere/$Port"]
    if ($null -eq $property) { return '' }
    return [string] $property.Value
}

$address = ''
if (@($wish.ports).Count -gt 0 -and (Test-Path -LiteralPath $wish.program)) {
    # Asking starts the distribution, where it does not run; right after the PC has started that takes a while.
    for ($turn = 0; $turn -lt 60 -and -not $address; $turn++) {
        $said = (@(Invoke-Native { & $wish.program --distribution $wish.distribution --exec hostname -I }) -join ' ').Replace([string] [char] 0, '')
        if ($said -match '(?<four>\d+\.\d+\.\d+\.\d+)') { $address = $Matches['four'] }
        elseif ($WhatIfPreference) { break }
        else { Start-Sleep -Seconds 2 }
    }
    if (-not $address -and -not $WhatIfPreference) { throw "$($wish.distribution) says no address of its own, so that nothing can be led to it." }
}

$changed = $false
foreach ($port in $wish.gone) {
    if (-not (Get-Target -Port $port)) { continue }
    $changed = $true
    if ($PSCmdlet.ShouldProcess("port $port", 'Lead it nowhere')) {
        $null = Invoke-Native { & netsh.exe interface portproxy delete v4tov4 "listenport=$port" "listenaddress=$anywhere" }
        if ($LASTEXITCODE -ne 0) { throw "netsh could not take away what leads port $port elsewhere (it ended with $LASTEXITCODE)." }
    }
}
foreach ($port in $wish.ports) {
    if ($address -and (Get-Target -Port $port) -eq "$address/$port") { continue }
    $changed = $true
    if ($PSCmdlet.ShouldProcess("port $port", "Lead it to $address")) {
        $null = Invoke-Native { & netsh.exe interface portproxy set v4tov4 "listenport=$port" "listenaddress=$anywhere" "connectport=$port" "connectaddress=$address" }
        if ($LASTEXITCODE -ne 0) { throw "netsh could not lead port $port to $address (it ended with $LASTEXITCODE)." }
    }
}
ConvertTo-Json -Compress -InputObject @{ changed = $changed; address = $address }
